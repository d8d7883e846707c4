# What is run and installed. DEMO: the manifests `make run` serves.

DEMO ?= deploy/demo

.PHONY: run install
run: $(BUILD)/.deps-build
	@$(MAKE) -s $(PARALLEL) all $(BUILD)/tests/origin/origin $(BUILD)/tests/load/load
	@exec deploy/demo/run.sh $(BUILD) $(DEMO)

install: all silex.conf.example
	install -d $(DESTDIR)$(PREFIX)/sbin\
	    $(DESTDIR)/etc/silex/manifests $(DESTDIR)$(PREFIX)/share/doc/silex
	install -m 755 $(BUILD)/silex $(DESTDIR)$(PREFIX)/sbin/silex
	install -m 755 $(BUILD)/silex-worker $(DESTDIR)$(PREFIX)/sbin/silex-worker
	install -m 644 silex.conf.example $(DESTDIR)$(PREFIX)/share/doc/silex/silex.conf.example
	[ -e $(DESTDIR)/etc/silex/silex.conf ] || \
	    install -m 644 silex.conf.example $(DESTDIR)/etc/silex/silex.conf

# silex.conf.example is made from the one table of keys; `make check` says when it is not current.
.PHONY: conf-example
conf-example: $(BUILD)/silex
	$(BUILD)/silex --print-conf-example >silex.conf.example
