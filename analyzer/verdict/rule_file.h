/* Where a file of rules is wrong: what commands say to the user. */
#ifndef VERDICT_RULE_FILE_H
#define VERDICT_RULE_FILE_H

struct rule_error {
    int line;       /* from 1; 0: the file as a whole */
    char text[256]; /* what is wrong, without file and line */
};

#endif
