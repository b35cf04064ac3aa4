# Tidemark. `make` builds, `make check` tests, `make demo` shows; docs in README.md.
VERSION := 0.1.0
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
DESTDIR ?=
BUILD := $(or $(BUILD),build)
ifeq ($(origin CC),default)
CC := gcc
endif
ifeq ($(origin CXX),default)
CXX := g++
endif
SAN ?=

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wcast-qual -Wundef -Wvla
WERROR ?= -Werror
OPT ?= -O2 -g
BASE := -std=gnu11 -D_GNU_SOURCE -DTIDEMARK_VERSION='"$(VERSION)"' $(WARN) $(WERROR) $(OPT) -MMD -MP
# SAN=trap: undefined behaviour is an illegal instruction, without a runtime, so also in a preloaded library.
ifeq ($(SAN),trap)
BASE += -fsanitize=undefined -fsanitize-undefined-trap-on-error
else ifneq ($(SAN),)
SANITIZE := -fsanitize=$(SAN) -fno-omit-frame-pointer $(if $(findstring undefined,$(SAN)),-fno-sanitize-recover=undefined)
BASE += $(SANITIZE)
LDSAN := -fsanitize=$(SAN)
endif

PRELOAD_SRC := $(wildcard preload/*.c)
PRELOAD_OBJ := $(PRELOAD_SRC:%.c=$(BUILD)/%.o)
WRITER_OBJ := $(patsubst %.c,$(BUILD)/%.o,$(wildcard preload/beside/*.c) preload/append.c preload/columns.c preload/deflate.c preload/huffman.c preload/packing.c \
                preload/plain.c preload/words.c preload/drain.c preload/sys.c)
PRELOAD_FLAGS := $(BASE) -fPIC -fvisibility=hidden -ftls-model=initial-exec -fno-stack-protector -fno-plt \
                 -fasynchronous-unwind-tables -fno-tree-slp-vectorize -fno-builtin-malloc -fno-builtin-calloc -fno-builtin-realloc -fno-builtin-free
ANALYZER_SRC := $(wildcard analyzer/*.c analyzer/*/*.c)
ANALYZER_OBJ := $(ANALYZER_SRC:%.c=$(BUILD)/%.o)
ANALYZER_FLAGS := $(BASE) -Ianalyzer -pthread -DTIDEMARK_LIBDIR='"$(LIBDIR)"'
# Linked in, but libc: to load ten libraries is a tenth of what `tidemark record true` adds to true. SHARED=1 for packages that may
# not; where a static library is missing or incomplete (Debian 13's libelf.a), they are shared, too.
libs = $(shell pkg-config $(1) --libs libdw libelf jansson inih libdeflate zlib) -liberty
STATIC_LIBS := $(if $(SHARED),,-Wl,-Bstatic $(call libs,--static) -Wl,-Bdynamic -lm -pthread)
SHARED_LIBS := $(call libs) -lm -pthread

.PHONY: all clean deb deb-check setup built tests fuzzers check lint demo bench growth-rates fuzz soak man install
all: $(BUILD)/libtrace.so $(BUILD)/tidemark-writer $(BUILD)/tidemark

$(BUILD)/preload/%.o: preload/%.c
	@mkdir -p $(@D)
	$(CC) $(PRELOAD_FLAGS) -c $< -o $@

$(BUILD)/analyzer/%.o: analyzer/%.c
	@mkdir -p $(@D)
	$(CC) $(ANALYZER_FLAGS) -c $< -o $@

# Two words stored one by one and loaded as one (struct columns_links, struct unwind_registers) would have to wait until all stores
# before have reached the cache: a tenth of the time of decoding, a twentieth of a hook's. So no vectors of neighbours here and in the recorder.
$(BUILD)/analyzer/input/decode.o: ANALYZER_FLAGS += -fno-tree-slp-vectorize
# PROBE_REGISTERS reads the caller's frame from ours.
$(BUILD)/preload/interpose.o $(BUILD)/preload/process.o: PRELOAD_FLAGS += -fno-omit-frame-pointer

# The parts of the HTML pages are built in.
$(BUILD)/analyzer/render/html.o $(BUILD)/analyzer/render/html_page.o $(BUILD)/analyzer/render/diff_html.o: $(wildcard analyzer/render/html/*)

# zlib goes in statically and hidden: the target may have its own.
# Exported: the rows of hooks.def and the calls of tidemark.h, nothing else.
$(BUILD)/preload/libtrace.map: preload/hooks.def include/tidemark.h
	@mkdir -p $(@D)
	{ echo '{ global:'; \
	  sed -nE 's/^HOOK(_NEW|_DELETE)?\(.*[ (,*]([A-Za-z_0-9]+), *\(.*$$/  \2;/p; s/^HOOK\([^,]*, ([A-Za-z_0-9]+),$$/  \1;/p; s/^HOOK_(NEW|DELETE)\(([A-Za-z_0-9]+),.*/  \2;/p' preload/hooks.def; \
	  sed -nE 's/^ *(CALL\(|GET\([a-z0-9_]+, )([a-z_]+),.*/  tidemark_\2;/p' include/tidemark.h; \
	  echo 'local: *; };'; } > $@

$(BUILD)/libtrace.so: $(PRELOAD_OBJ) $(BUILD)/preload/libtrace.map preload/libtrace.ld
	$(CC) $(LDSAN) -shared -Wl,-T,preload/libtrace.ld -Wl,-soname,libtrace.so -Wl,--version-script=$(BUILD)/preload/libtrace.map -Wl,-z,defs -Wl,-z,now \
	  -Wl,--exclude-libs,ALL $(PRELOAD_OBJ) -o $@ -l:libz.a

# The writer beside the target shares the recorder's way of draining, and nothing else.
$(BUILD)/tidemark-writer: $(WRITER_OBJ)
	$(CC) $(LDSAN) $(WRITER_OBJ) -o $@ -l:libz.a -pthread

$(BUILD)/tidemark: $(ANALYZER_OBJ)
	$(if $(STATIC_LIBS),$(CC) $(LDSAN) $(ANALYZER_OBJ) -o $@ $(STATIC_LIBS) 2>/dev/null ||) \
	  $(CC) $(LDSAN) $(ANALYZER_OBJ) -o $@ $(SHARED_LIBS)

# The recorder whose system calls a test can make fail (tests/faults).
FAULTS_OBJ := $(filter-out %/sys.o,$(PRELOAD_OBJ)) $(BUILD)/faults/sys.o $(BUILD)/faults/inject.o
$(BUILD)/faults/sys.o: preload/sys.c
	@mkdir -p $(@D)
	$(CC) $(PRELOAD_FLAGS) -DSYS_FAULTS -c $< -o $@

$(BUILD)/faults/inject.o: tests/faults/inject.c
	@mkdir -p $(@D)
	$(CC) $(PRELOAD_FLAGS) -c $< -o $@

$(BUILD)/faults/libtrace.so: $(FAULTS_OBJ) $(BUILD)/preload/libtrace.map preload/libtrace.ld
	$(CC) $(LDSAN) -shared -Wl,-T,preload/libtrace.ld -Wl,-soname,libtrace.so -Wl,--version-script=$(BUILD)/preload/libtrace.map -Wl,-z,defs -Wl,-z,now \
	  -Wl,--exclude-libs,ALL $(FAULTS_OBJ) -o $@ -l:libz.a

$(BUILD)/faults/target: tests/faults/target.c include/tidemark.h
	@mkdir -p $(@D)
	$(CC) $(TEST_FLAGS) -fno-builtin $< -o $@ -pthread -ldl

# The recorder and threads that use it, as one program under the thread sanitizer (tests/race): its hooks are called hooked_NAME there.
RACE_OWN := helper lifecycle sys thread
RACE_OBJ := $(patsubst preload/%.c,$(BUILD)/race/%.o,$(filter-out $(RACE_OWN:%=preload/%.c),$(PRELOAD_SRC))) $(RACE_OWN:%=$(BUILD)/race/own_%.o)
RACE_FLAGS = $(filter-out -fsanitize%,$(BASE)) -fsanitize=thread -O1 -fno-plt -fno-stack-protector -ftls-model=initial-exec -fasynchronous-unwind-tables -fno-omit-frame-pointer -fno-builtin

$(BUILD)/race/%.o: preload/%.c
	@mkdir -p $(@D)
	$(CC) $(RACE_FLAGS) -c $< -o $@

$(BUILD)/race/own_%.o: tests/race/%.c
	@mkdir -p $(@D)
	$(CC) $(RACE_FLAGS) -c $< -o $@

$(BUILD)/race/recorder.o: $(RACE_OBJ) $(BUILD)/preload/libtrace.map
	sed -nE '/tidemark_/d; s/^  ([A-Za-z_0-9]+);$$/\1 hooked_\1/p' $(BUILD)/preload/libtrace.map > $(BUILD)/race/names
	$(LD) -r $(RACE_OBJ) -o $@
	objcopy --redefine-syms=$(BUILD)/race/names $@

$(BUILD)/race/race: $(BUILD)/race/own_race.o $(BUILD)/race/recorder.o
	$(CC) -fsanitize=thread $^ -o $@ -l:libz.a -ldl -pthread

# Tests. A unit test takes what it calls from the analyzer, and says in its first line what else it needs:
#   /* links: preload/columns.c tests/unit/event_stream.c libs: -lz flags: -pthread */
WORDS_links := s/.*links:([^:]*).*/\1/
WORDS_libs := s/.*libs:([^:]*).*/\1/
WORDS_flags := s/.*flags:([^:]*).*/\1/
needs = $(shell sed -nE '1{/$(1):/{$(WORDS_$(1));s/\*\/.*//;s/(links|libs|flags) *$$//;p}}' $(2))

UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(wildcard tests/unit/test_*.c))
TEST_FLAGS := $(BASE) -I. -Iinclude -Ianalyzer -Wno-missing-prototypes

$(BUILD)/tests/%.o: tests/%.c
	@mkdir -p $(@D)
	$(CC) $(TEST_FLAGS) -c $< -o $@

$(BUILD)/analyzer.a: $(filter-out %/main.o,$(ANALYZER_OBJ))
	rm -f $@
	ar rcsTD $@ $^

define UNIT_TEST
$(BUILD)/tests/unit/$(1).o: TEST_FLAGS += $(filter -%,$(call needs,flags,tests/unit/$(1).c))
$(BUILD)/tests/unit/$(1): $(patsubst %.c,$(BUILD)/%.o,tests/unit/$(1).c $(call needs,links,tests/unit/$(1).c)) $(BUILD)/analyzer.a
	$$(CC) $$(TEST_FLAGS) $(call needs,flags,tests/unit/$(1).c) $$(filter %.o %.a,$$^) -o $$@ -lcmocka $(call needs,libs,tests/unit/$(1).c) -lm -pthread
endef
$(foreach test,$(notdir $(UNIT_TESTS)),$(eval $(call UNIT_TEST,$(test))))

# Fuzzers: libFuzzer with the address and undefined sanitizers; what they link stands in their first line, as in unit tests.
FUZZERS := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_FLAGS := -std=gnu11 -D_GNU_SOURCE -DTIDEMARK_VERSION='"fuzz"' -DTIDEMARK_LIBDIR='"/nowhere"' -g -O1 -MMD -MP -I. -Iinclude \
              -Ianalyzer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined

$(BUILD)/fuzz/%.o: %.c
	@mkdir -p $(@D)
	clang $(FUZZ_FLAGS) -c $< -o $@

$(BUILD)/fuzz/analyzer/render/html.o $(BUILD)/fuzz/analyzer/render/html_page.o $(BUILD)/fuzz/analyzer/render/diff_html.o: $(wildcard analyzer/render/html/*)

define FUZZER
$(BUILD)/fuzz/$(1): $(patsubst %.c,$(BUILD)/fuzz/%.o,tests/fuzz/$(1).c $(wildcard $(call needs,links,tests/fuzz/$(1).c)))
	clang -fsanitize=fuzzer,address,undefined $$(filter %.o,$$^) -o $$@ $(call needs,libs,tests/fuzz/$(1).c) -pthread
endef
$(foreach fuzzer,$(notdir $(FUZZERS)),$(eval $(call FUZZER,$(fuzzer))))

fuzzers: $(FUZZERS)

setup:
	@scripts/setup

# make starts anew after the setup, because that may bring the compiler.
built: setup
	@$(MAKE) --no-print-directory -j$$(nproc) all

tests: $(UNIT_TESTS) $(BUILD)/faults/libtrace.so $(BUILD)/faults/target $(BUILD)/race/race

check: built
	@$(MAKE) --no-print-directory -j$$(nproc) tests fuzzers samples
	@scripts/check $(BUILD)

lint: setup
	@scripts/lint $(BUILD)

demo: built
	@bash -o pipefail -c 'scripts/demo $(BUILD) | tee $(BUILD)/screen.txt'

bench: built
	@scripts/bench $(BUILD)

# How often the verdict errs: false alarms among 10 000 hostile sites, and the share of leaks found, by number of rounds.
growth-rates: $(BUILD)/tests/unit/test_growth_rates
	@$< 10000 10 -v

fuzz: setup
	@$(MAKE) --no-print-directory fuzzers
	@scripts/fuzz $(BUILD)

soak: built
	@$(MAKE) --no-print-directory tests fuzzers
	@scripts/soak $(BUILD)

man: $(BUILD)/tidemark
	@scripts/man $(BUILD)/tidemark docs/man

install: all
	@scripts/install $(BUILD) "$(DESTDIR)" "$(PREFIX)" "$(LIBDIR)" "$(VERSION)"

# Built anew, because the program knows its LIBDIR.
DEB_LIBDIR = /usr/lib/$(shell $(CC) -print-multiarch)
deb: setup
	@$(MAKE) --no-print-directory all BUILD=$(BUILD)/deb PREFIX=/usr LIBDIR=$(DEB_LIBDIR)
	@scripts/deb $(BUILD)/deb $(DEB_LIBDIR) $(VERSION)

# In a bare Debian of its own: root, a network, a few minutes.
deb-check: deb
	@scripts/deb-check $(BUILD)/deb/tidemark_$(VERSION)_$$(dpkg --print-architecture).deb

include samples/samples.mk

clean:
	rm -rf $(BUILD)

-include $(PRELOAD_OBJ:.o=.d) $(WRITER_OBJ:.o=.d) $(ANALYZER_OBJ:.o=.d) $(wildcard $(BUILD)/tests/unit/*.d $(BUILD)/faults/*.d $(BUILD)/race/*.d) $(shell find $(BUILD)/fuzz -name "*.d" 2>/dev/null)
