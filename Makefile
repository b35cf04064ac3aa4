# Tidemark. `make` builds, `make check` tests, `make demo` shows; docs in README.md.
VERSION := 0.1.0
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
BUILD ?= build
CC ?= gcc
SAN ?=

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wcast-qual -Wundef -Wvla
WERROR ?= -Werror
OPT ?= -O2 -g
BASE := -std=gnu11 -D_GNU_SOURCE -DTIDEMARK_VERSION='"$(VERSION)"' $(WARN) $(WERROR) $(OPT) -MMD -MP
ifneq ($(SAN),)
BASE += -fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=undefined
LDSAN := -fsanitize=$(SAN)
endif

PRELOAD_SRC := $(wildcard preload/*.c)
PRELOAD_OBJ := $(PRELOAD_SRC:%.c=$(BUILD)/%.o)
PRELOAD_FLAGS := $(BASE) -fPIC -fvisibility=hidden -ftls-model=initial-exec -fno-stack-protector -fno-plt \
                 -fasynchronous-unwind-tables -fno-omit-frame-pointer -fno-builtin-malloc -fno-builtin-calloc -fno-builtin-realloc -fno-builtin-free
ANALYZER_SRC := $(wildcard analyzer/*.c analyzer/*/*.c)
ANALYZER_OBJ := $(ANALYZER_SRC:%.c=$(BUILD)/%.o)
ANALYZER_FLAGS := $(BASE) -Ianalyzer -pthread
ANALYZER_LIBS := -ldw -lelf -ljansson -linih -liberty -lz -lm -pthread

.PHONY: all clean check demo lint bench install
all: $(BUILD)/libtrace.so $(BUILD)/tidemark

$(BUILD)/preload/%.o: preload/%.c
	@mkdir -p $(@D)
	$(CC) $(PRELOAD_FLAGS) -c $< -o $@

$(BUILD)/analyzer/%.o: analyzer/%.c
	@mkdir -p $(@D)
	$(CC) $(ANALYZER_FLAGS) -c $< -o $@

# zlib goes in statically and hidden: the target may have its own.
$(BUILD)/libtrace.so: $(PRELOAD_OBJ) preload/libtrace.map
	$(CC) $(LDSAN) -shared -Wl,-soname,libtrace.so -Wl,--version-script=preload/libtrace.map -Wl,-z,defs -Wl,-z,now \
	  -Wl,--exclude-libs,ALL $(PRELOAD_OBJ) -o $@ -l:libz.a

$(BUILD)/tidemark: $(ANALYZER_OBJ)
	$(CC) $(LDSAN) $(ANALYZER_OBJ) -o $@ $(ANALYZER_LIBS)

clean:
	rm -rf $(BUILD)

-include $(PRELOAD_OBJ:.o=.d) $(ANALYZER_OBJ:.o=.d)
