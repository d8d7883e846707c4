# Silex. `make run` and `make test` are all a newcomer needs: they install what is missing.
#
#   make            build/silex and build/silex-worker
#   make run        the demo: real manifests, two origins, unprivileged ports, until Ctrl-C
#   make test       unit and integration tests, under both event backends
#   make e2e        against a real kube-apiserver, built once from Go modules
#   make e2e-cluster  the same with a real node: kubelet, containerd, Silex's own image (root)
#   make check      layers, warnings with gcc and clang, static analysis, format, generated files
#   make asan       the same tests under AddressSanitizer and UndefinedBehaviorSanitizer
#   make conformance  h2spec and the gRPC interop suite, through Silex (needs go)
#   make bench      speed and size beside nginx and haproxy
#   make bench-api  only what following a real API server costs
#   make fuzz       every fuzz target for FUZZ_SECONDS (libFuzzer, clang)
#   make stress     the shared table under killed readers and writers, long
#   make install    DESTDIR= PREFIX=/usr
#
# Variants live in their own build directory: make BUILD=build/clang CC=clang

CC      ?= cc
ifeq ($(origin CC),default)
CC      := gcc
endif
BUILD   ?= build
PREFIX  ?= /usr
PYTHON  ?= /usr/bin/python3
SAN     ?=
OPT     ?= -O2 -g
FUZZ_SECONDS ?= 60

WARN := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 \
        -Wno-unused-parameter
HARD := -fstack-protector-strong -fPIE
ifeq ($(SAN),)
HARD += -D_FORTIFY_SOURCE=3
endif
CFLAGS_ALL := -std=gnu17 -D_GNU_SOURCE -I. -I$(BUILD)/gen $(OPT) $(WARN) $(HARD) $(SAN) -ffunction-sections -fdata-sections \
              -MMD -MP $(if $(WERROR),-Werror) $(CFLAGS)
LDFLAGS_ALL := -pie -Wl,-z,relro,-z,now -Wl,--gc-sections -Wl,--as-needed $(SAN) $(LDFLAGS)

# A library is linked only by the process that is allowed to hold it (DESIGN §1).
LIBS_common := -lbsd -lxxhash -lseccomp -lrt
# libcurl is not linked but loaded when it is wanted: k8s/api/curl_lib.h
LIBS_k8s    := -ljson-c -lyaml
# libcrypto first: it binds 4,000 symbols at each start, each looked up in this order
LIBS_worker := -lcrypto -lpcre2-8 -lssl -lnghttp2 -lz -lbrotlienc
LIBS_master := -lcrypto -lssl -lcares -lpcre2-8 -lcrypt

src = $(sort $(wildcard $(1)/*.c $(1)/*/*.c $(1)/*/*/*.c))
COMMON := $(call src,common)
K8S    := $(call src,k8s)
MASTER := $(call src,master)
WORKER := $(call src,worker)
obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all
all: $(BUILD)/silex $(BUILD)/silex-worker

# The dependency script says what is missing and installs it (or prints the command) once.
$(BUILD)/.deps-%: deploy/deps.sh
	@mkdir -p $(BUILD)
	@deploy/deps.sh $*
	@touch $@

$(BUILD)/obj/%.o: %.c | $(BUILD)/.deps-build
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -c $< -o $@

$(BUILD)/silex: $(call obj,$(COMMON) $(K8S) $(MASTER))
	$(CC) $(LDFLAGS_ALL) $^ $(LIBS_k8s) $(LIBS_master) $(LIBS_common) -o $@

$(BUILD)/silex-worker: $(call obj,$(COMMON) $(WORKER))
	$(CC) $(LDFLAGS_ALL) $^ $(LIBS_worker) $(LIBS_common) -o $@

include tests/tests.mk
include deploy/deploy.mk

.PHONY: clean
clean:
	rm -rf $(BUILD)

-include $(shell [ -d $(BUILD) ] && find $(BUILD) -name '*.d' -type f)
