# What is run and installed. DEMO: the manifests `make run` serves.

DEMO ?= deploy/demo

.PHONY: run install
run: $(BUILD)/.deps-build
	@$(MAKE) -s $(PARALLEL) all $(BUILD)/tests/origin/origin $(BUILD)/tests/grpc/grpc $(BUILD)/tests/load/load
	@exec deploy/demo/run.sh $(BUILD) $(DEMO)

install: all silex.conf.example
	install -d $(DESTDIR)$(PREFIX)/sbin\
	    $(DESTDIR)/etc/silex/manifests $(DESTDIR)$(PREFIX)/share/doc/silex
	install -m 755 $(BUILD)/silex $(DESTDIR)$(PREFIX)/sbin/silex
	install -m 755 $(BUILD)/silex-worker $(DESTDIR)$(PREFIX)/sbin/silex-worker
	install -m 644 silex.conf.example $(DESTDIR)$(PREFIX)/share/doc/silex/silex.conf.example
	[ -e $(DESTDIR)/etc/silex/silex.conf ] || \
	    install -m 644 silex.conf.example $(DESTDIR)/etc/silex/silex.conf

# silex.conf.example and SETTINGS.md are made from the tables; `make check` says when they are not current.
.PHONY: conf-example
conf-example: $(BUILD)/silex
	$(BUILD)/silex --print-conf-example >silex.conf.example
	$(BUILD)/silex explain >SETTINGS.md

VERSION := $(shell sed -n 's/^.define SILEX_VERSION "\(.*\)"/\1/p' common/version.h)

# deploy/silex.yaml and deploy/silex-daemonset.yaml are made from deploy/manifests by kustomize.
.PHONY: manifests image deb
manifests:
	kubectl kustomize deploy >deploy/silex.yaml
	kubectl kustomize --load-restrictor LoadRestrictionsNone deploy/daemonset >deploy/silex-daemonset.yaml

# An OCI image archive, without a container engine: build/silex-image.tar and its SBOM.
image: all
	deploy/image/mkimage.py --build $(BUILD) --version $(VERSION) --out $(BUILD)/silex-image.tar

deb: all
	deploy/debian/mkdeb.py --build $(BUILD) --version $(VERSION) --out $(BUILD)

# What is installed: the image under runc, the package, the dashboards' queries. As root.
.PHONY: test-install
test-install: $(BUILD)/.deps-install
	@$(MAKE) -s $(PARALLEL) all $(BUILD)/tests/origin/origin
	@SILEX_BUILD=$(BUILD) $(PYTHON) -B -m pytest -q tests/install
