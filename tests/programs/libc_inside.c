/* expect: 0 */
/*
 * What libc allocates by itself: streams, lines, formatted text, locales, converters, patterns, directories, sorting.
 */
#include "target.h"
#include <dirent.h>
#include <iconv.h>
#include <locale.h>
#include <netdb.h>
#include <pwd.h>
#include <regex.h>
#include <stdarg.h>
#include <time.h>

static int compare(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }

int main(void) {
    char *text = NULL, *line = NULL;
    size_t size = 0;
    CHECK(asprintf(&text, "%1000d %.3000f", 5, 1.5) > 4000);
    free(text);
    FILE *memory = open_memstream(&text, &size);
    for (int i = 0; i < 1000; i++) fprintf(memory, "%d ", i);
    fclose(memory);
    CHECK(size == 3890);
    free(text);
    FILE *file = fopen("/proc/self/status", "r");
    size = 0;
    while (getline(&line, &size, file) > 0) {}
    free(line);
    fclose(file);
    setlocale(LC_ALL, "C.UTF-8");
    iconv_t converter = iconv_open("UTF-16", "ISO-8859-15");
    CHECK(converter != (iconv_t)-1);
    iconv_close(converter);
    regex_t pattern;
    CHECK(!regcomp(&pattern, "(a|b)*c{3,9}[[:digit:]]+", REG_EXTENDED) && !regexec(&pattern, "abccc12", 0, NULL, 0));
    regfree(&pattern);
    int *numbers = calloc(300000, sizeof *numbers);
    for (int i = 0; i < 300000; i++) numbers[i] = (i * 7919) % 300007;
    qsort(numbers, 300000, sizeof *numbers, compare);
    for (int i = 1; i < 300000; i++) CHECK(numbers[i - 1] <= numbers[i]);
    free(numbers);
    struct dirent **names;
    int count = scandir("/usr", &names, NULL, alphasort);
    CHECK(count > 3);
    while (count--) free(names[count]);
    free(names);
    CHECK(getpwuid(0) && !strcmp(getpwuid(0)->pw_name, "root"));
    CHECK(getservbyname("http", "tcp"));
    CHECK(!setenv("SOME_NAME", "some value", 1) && !putenv(strdup("OTHER=1")) && !unsetenv("SOME_NAME"));
    time_t now = 0;
    CHECK(localtime(&now));
    puts("done");
    return 0;
}
