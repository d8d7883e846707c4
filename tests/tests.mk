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

# Programs the tests use: the origins (the demo's and the benchmark's too), HTTP/1 with WebSocket, and
# gRPC; the load generators and the maker of certificates, one file each.
TOOLS := $(BUILD)/tests/origin/origin $(BUILD)/tests/grpc/grpc $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/load/*.c))
$(BUILD)/tests/origin/origin: $(call obj,$(wildcard tests/origin/*.c)) | $(BUILD)/.deps-build
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) $^ -lcrypto -o $@

$(BUILD)/tests/grpc/grpc: $(call obj,$(wildcard tests/grpc/*.c) tests/origin/listen.c) | $(BUILD)/.deps-build
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) $^ -lnghttp2 -o $@

$(BUILD)/tests/load/%: $(BUILD)/obj/tests/load/%.o | $(BUILD)/.deps-build
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) $^ -lcrypto -o $@

# The shared table: stress (readers and writers killed), and what it costs.
STRESS_SECONDS ?= 120
STRESS_BIN := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/stress/table_stress.c))
BENCH_BIN += $(BUILD)/tests/bench/table_bench
$(BUILD)/tests/stress/table_stress $(BUILD)/tests/bench/table_bench: $(BUILD)/tests/%: $(BUILD)/obj/tests/%.o $(UNIT_DEPS_master)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) $^ $(LIBS_k8s) $(LIBS_master) $(LIBS_common) -o $@

# What reading and writing heads costs.
BENCH_BIN += $(BUILD)/tests/bench/http1_bench
$(BUILD)/tests/bench/http1_bench: $(BUILD)/tests/%: $(BUILD)/obj/tests/%.o $(UNIT_DEPS_worker)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) $^ $(LIBS_worker) $(LIBS_common) -o $@

.PHONY: stress
stress: $(BUILD)/.deps-build
	@$(MAKE) -s $(PARALLEL) $(STRESS_BIN)
	@$(STRESS_BIN) $(STRESS_SECONDS)

# Fuzz targets link the layer whose headers they include: worker, master, k8s, else common.
FUZZ := $(patsubst tests/fuzz/fuzz_%.c,%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
layer_of = $(or $(shell grep -om1 '"\(worker\|master\|k8s\)/' $(1) | tr -d '"/'),common)
UNIT_LIBS_k8s    := $(LIBS_k8s)
UNIT_LIBS_master := $(LIBS_k8s) $(LIBS_master)
UNIT_LIBS_worker := $(LIBS_worker)

define fuzz_rule
FUZZ_LAYER_$(1) := $$(call layer_of,tests/fuzz/fuzz_$(1).c)
$(BUILD)/tests/fuzz/replay_$(1): $(call obj,tests/fuzz/fuzz_$(1).c tests/fuzz/replay.c) \
    $$(UNIT_DEPS_$$(FUZZ_LAYER_$(1)))
	@mkdir -p $$(@D)
	$$(CC) $$(LDFLAGS_ALL) $$^ $$(UNIT_LIBS_$$(FUZZ_LAYER_$(1))) $$(LIBS_common) -o $$@
$(BUILD)/tests/fuzz/libfuzzer_$(1): $(call obj,tests/fuzz/fuzz_$(1).c) $$(UNIT_DEPS_$$(FUZZ_LAYER_$(1)))
	@mkdir -p $$(@D)
	$$(CC) $$(LDFLAGS_ALL) -fsanitize=fuzzer $$^ $$(UNIT_LIBS_$$(FUZZ_LAYER_$(1))) $$(LIBS_common) -o $$@
endef
$(foreach f,$(FUZZ),$(eval $(call fuzz_rule,$(f))))
FUZZ_REPLAY := $(FUZZ:%=$(BUILD)/tests/fuzz/replay_%)

# make test: everything, from a clean checkout. The jobs are ours where the caller named none.
JOBS := $(shell nproc)
PARALLEL = $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(JOBS))
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

.PHONY: test-build test asan fuzz fuzz-build fuzz-run check
test-build: all $(UNIT_BIN) $(TOOLS) $(FUZZ_REPLAY) $(STRESS_BIN)

test: $(BUILD)/.deps-test
	@$(MAKE) -s $(PARALLEL) test-build
	@$(PYTHON) -B tests/run.py --build $(BUILD) $(TEST_ARGS)

# h2spec and the gRPC interop suite: Go modules, named in tests/conformance/go.mod.
.PHONY: conformance
conformance: $(BUILD)/.deps-test
	@command -v go >/dev/null || { echo "silex: make conformance needs go (1.26 or later)" >&2; exit 1; }
	@$(MAKE) -s $(PARALLEL) all $(BUILD)/tests/origin/origin
	@$(PYTHON) -B tests/conformance/run.py --build $(BUILD)

asan:
	@$(MAKE) BUILD=build/asan SAN='$(SANITIZE)' OPT='-O1 -g' test

check: $(BUILD)/.deps-check
	@$(MAKE) -s $(PARALLEL) all
	@$(PYTHON) -B tests/check.py --build $(BUILD) $(CHECKS)

# libFuzzer comes with clang. New inputs stay in build/fuzz; a crash is written there and named.
fuzz: $(BUILD)/.deps-fuzz
	@$(MAKE) -s $(PARALLEL) BUILD=build/fuzz CC=clang OPT='-O1 -g' \
	    SAN='$(SANITIZE) -fsanitize=fuzzer-no-link' fuzz-build
	@$(MAKE) -s BUILD=build/fuzz fuzz-run

fuzz-build: $(FUZZ:%=$(BUILD)/tests/fuzz/libfuzzer_%)

fuzz-run:
	@for f in $(FUZZ); do \
	    mkdir -p $(BUILD)/found/$$f; echo "fuzz: $$f for $(FUZZ_SECONDS) s"; \
	    $(BUILD)/tests/fuzz/libfuzzer_$$f -max_total_time=$(FUZZ_SECONDS) -max_len=65536 -timeout=10 \
	        -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix=$(BUILD)/found/$$f. \
	        $(BUILD)/found/$$f tests/fuzz/corpus/$$f >$(BUILD)/$$f.log 2>&1 \
	        || { tail -40 $(BUILD)/$$f.log; exit 1; }; \
	    grep -E 'stat::(number_of_executed_units|average_exec)' $(BUILD)/$$f.log; done

# Against a real control plane, in a network namespace of its own. Needs Go >= 1.25; what it builds
# it keeps in SILEX_E2E_CACHE (~/.cache/silex-e2e).
.PHONY: e2e
e2e: $(BUILD)/.deps-e2e
	@$(MAKE) -s $(PARALLEL) all $(TOOLS)
	@tests/e2e/run.sh $(BUILD)

# The same and a real node: kubelet, containerd, runc, Silex's own image. As root.
.PHONY: e2e-cluster
e2e-cluster: $(BUILD)/.deps-e2e-cluster
	@$(MAKE) -s $(PARALLEL) all $(TOOLS)
	@tests/cluster/run.sh $(BUILD)

# Beside nginx and haproxy: one machine, one run. BENCH_SECONDS a measurement, BENCH_ROUNDS turns.
$(BUILD)/tests/bench/forward: $(BUILD)/obj/tests/bench/forward.o
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) $^ -o $@

.PHONY: bench bench-api
bench: $(BUILD)/.deps-bench
	@$(MAKE) -s $(PARALLEL) all $(BUILD)/tests/bench/forward $(TOOLS) $(BENCH_BIN)
	@$(PYTHON) -B tests/bench/bench.py --build $(BUILD) $(BENCH_ARGS)
	@$(MAKE) -s bench-api || echo 'bench: the figures with a real API server are missing, see above'

# Following a real API server: latency of changes, first sync, memory, a storm of changes.
bench-api: $(BUILD)/.deps-e2e
	@$(MAKE) -s $(PARALLEL) all $(TOOLS)
	@tests/e2e/run.sh $(BUILD) $(PYTHON) -B tests/bench/api.py --build $(BUILD) $(BENCH_API_ARGS)

# The benchmark the seed was measured with, and latency at half of nginx's capacity.
.PHONY: bench-seed
bench-seed: $(BUILD)/.deps-bench
	@$(MAKE) -s $(PARALLEL) all $(BUILD)/tests/bench/forward $(BUILD)/tests/load/open $(BUILD)/tests/origin/origin
	@$(PYTHON) -B tests/bench/seed.py --build $(BUILD)
