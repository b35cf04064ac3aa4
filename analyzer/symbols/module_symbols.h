/*
 * The symbol tables of a module of elfutils, of the file itself and of its debug information, read when first asked
 * for. Names live as long as the module. Memory is the only failure: what was not read is unknown.
 */
#ifndef SYMBOLS_MODULE_SYMBOLS_H
#define SYMBOLS_MODULE_SYMBOLS_H

#include <elfutils/libdwfl.h>
#include <stdbool.h>

#include "symbol_table.h"

struct module_symbols { /* begins with the module alone; not its owner */
    Dwfl_Module *module;
    bool read;
    struct symbol_table table;
};

/* The symbol that the address lies in, or a label before it in the same section; NULL: none. */
const struct symbol *module_symbols_find(struct module_symbols *symbols, Dwarf_Addr address);
/* Only one whose bytes hold the address. */
const struct symbol *module_symbols_around(struct module_symbols *symbols, Dwarf_Addr address);
void module_symbols_release(struct module_symbols *symbols);

#endif
