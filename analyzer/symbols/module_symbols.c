/*
 * The symbol tables of a module of elfutils. See module_symbols.h.
 */
#include "module_symbols.h"

static bool names_code(const GElf_Sym *symbol) {
    int type = GELF_ST_TYPE(symbol->st_info);
    return symbol->st_shndx != SHN_UNDEF && type != STT_SECTION && type != STT_FILE && type != STT_TLS;
}

static uint32_t strength_of(const GElf_Sym *symbol) {
    switch (GELF_ST_BIND(symbol->st_info)) {
    case STB_GLOBAL: return 3;
    case STB_WEAK: return 2;
    case STB_LOCAL: return 1;
    default: return 0;
    }
}

static void read_symbols(struct module_symbols *symbols) {
    Dwfl_Module *module = symbols->module;
    int count = dwfl_module_getsymtab(module), locals = dwfl_module_getsymtab_first_global(module);
    symbols->read = true;
    for (int i = 1; i < count; i++) {
        GElf_Sym symbol;
        GElf_Addr address;
        GElf_Word section;
        const char *name = dwfl_module_getsym_info(module, i, &symbol, &address, &section, NULL, NULL);
        if (!name || !*name || !names_code(&symbol)) continue;
        const struct symbol found = {address, symbol.st_size, name, section, strength_of(&symbol)};
        if (symbol_table_add(&symbols->table, &found, i < locals)) return;
    }
}

static uint32_t section_of(Dwfl_Module *module, Dwarf_Addr address) {
    Elf_Scn *section = dwfl_module_address_section(module, &address, &(Dwarf_Addr){0});
    return section ? (uint32_t)elf_ndxscn(section) : SHN_UNDEF;
}

const struct symbol *module_symbols_find(struct module_symbols *symbols, Dwarf_Addr address) {
    if (!symbols->read) read_symbols(symbols);
    const struct symbol *found = symbol_table_find(&symbols->table, address);
    return found && !found->size && found->section != section_of(symbols->module, address) ? NULL : found;
}

const struct symbol *module_symbols_around(struct module_symbols *symbols, Dwarf_Addr address) {
    const struct symbol *symbol = module_symbols_find(symbols, address);
    return symbol && symbol->size ? symbol : NULL;
}

void module_symbols_release(struct module_symbols *symbols) { symbol_table_release(&symbols->table); }
