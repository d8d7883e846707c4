# Tests. A unit test links only the layers its folder may see, so that the layering is proven by
# the linker too: tests/unit/common/test_x.c links common, tests/unit/k8s adds k8s, and so on.

UNIT := $(sort $(wildcard tests/unit/*/test_*.c))
UNIT_BIN := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(UNIT))
nomain = $(filter-out %/main.c,$(1))

UNIT_DEPS_common := $(call obj,$(COMMON))
UNIT_DEPS_k8s    := $(call obj,$(COMMON) $(K8S))
UNIT_DEPS_master := $(call obj,$(COMMON) $(K8S) $(call nomain,$(MASTER)))
UNIT_DEPS_worker := $(call obj,$(COMMON) $(call nomain,$(WORKER)))

define unit_rule
$(BUILD)/tests/unit/$(1)/%: $(BUILD)/obj/tests/unit/$(1)/%.o $(UNIT_DEPS_$(1)) | $(BUILD)/.deps-test
	@mkdir -p $$(@D)
	$(CC) $(LDFLAGS_ALL) $$^ -lcmocka $(2) $(LIBS_common) -o $$@
endef
$(eval $(call unit_rule,common,))
$(eval $(call unit_rule,k8s,$(LIBS_k8s)))
$(eval $(call unit_rule,master,$(LIBS_k8s) $(LIBS_master)))
$(eval $(call unit_rule,worker,$(LIBS_worker)))

.PHONY: unit
unit: $(UNIT_BIN)
	@fail=0; for t in $(UNIT_BIN); do $$t >$$t.log 2>&1 || { echo "FAILED $$t"; tail -40 $$t.log; fail=1; }; done; exit $$fail

# The origin: demo, benchmark and tests use the same one.
ORIGIN_SRC := $(wildcard tests/origin/*.c)
$(BUILD)/tests/origin/origin: $(call obj,$(ORIGIN_SRC)) | $(BUILD)/.deps-build
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) $^ -o $@
