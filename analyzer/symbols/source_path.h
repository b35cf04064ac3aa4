/*
 * Names of source files without what compilers leave in them: `a/./b`, `a//b`, `a/x/../b` are all `a/b`, so that one
 * file has one name. By the text alone: the files need not be here. Pure.
 */
#ifndef SYMBOLS_SOURCE_PATH_H
#define SYMBOLS_SOURCE_PATH_H

/* In place; the result is never longer. A name that begins with `..` keeps that. */
void source_path_tidy(char *path);

#endif
