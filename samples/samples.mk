# The sample programs: `make samples` builds them, `make samples-check` runs them at their quick size,
# `make samples-report` records every variant and compares the verdicts with what is expected.
# Each NAME is one folder; its program is $(BUILD)/samples/NAME.
SAMPLES := $(filter-out common,$(notdir $(patsubst %/,%,$(sort $(dir $(wildcard samples/*/*.c))))))
SAMPLE_BIN := $(SAMPLES:%=$(BUILD)/samples/%)
SAMPLE_FLAGS := -std=gnu11 -D_GNU_SOURCE $(WARN) $(WERROR) -O2 -g -Iinclude -Isamples
SAMPLE_LIBS := -lz -lm -pthread

.PHONY: samples samples-check samples-report
samples: $(SAMPLE_BIN)

define SAMPLE_RULE
$(BUILD)/samples/$(1): $(wildcard samples/$(1)/*.c samples/common/*.c) $(wildcard samples/$(1)/*.h samples/common/*.h) include/tidemark.h
	@mkdir -p $$(@D)
	$$(CC) $$(SAMPLE_FLAGS) $$(filter %.c,$$^) -o $$@ $$(SAMPLE_LIBS)
endef
$(foreach name,$(SAMPLES),$(eval $(call SAMPLE_RULE,$(name))))

samples-check: $(SAMPLE_BIN)
	@for name in $(filter-out quickstart,$(SAMPLES)); do $(BUILD)/samples/$$name --size quick >/dev/null || exit 1; done

samples-report: built
	@$(MAKE) --no-print-directory samples
	BUILD=$(BUILD) samples/report
