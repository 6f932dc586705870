# A thin front of the Meson build. Every target installs what it needs first (tools/setup), which
# takes well under a second when it is there.
#
#   make              build/tawny
#   make demo         text from the model that ships with tawny, on the best Vulkan device there is
#   make check        all tests
#   make install      DESTDIR and PREFIX are honoured
#   make goldens      makes the golden files of the tests anew, with the oracles of PyPI
#   make check-real   greedy text and perplexity of a real model against llama.cpp
#   make fuzz         fuzzes the parsers, FUZZ_SECONDS each
#   make bench        measures against llama.cpp
#   make clean

PREFIX ?= /usr/local
FUZZ_SECONDS ?= 60
DEMO_MODEL = share/tawny-guide-q8_0.gguf
DEMO_PROMPT = How do I see which GPUs I have?

all: build

setup:
	@tools/setup build

build/build.ninja: | setup
	meson setup build --prefix $(PREFIX)

build: setup build/build.ninja
	ninja -C build

demo: setup build/build.ninja
	ninja -C build tawny
	tools/vk build/tawny run $(DEMO_MODEL) -p "$(DEMO_PROMPT)"

check:
	@tools/setup check
	@tools/check

install: build
	meson install -C build --no-rebuild

goldens:
	@tools/setup goldens peers
	tests/golden/make

check-real: build
	@tools/setup check peers
	tests/real/run

fuzz:
	@tools/setup check
	tools/fuzz $(FUZZ_SECONDS)

bench: build
	@tools/setup peers
	bench/run

clean:
	rm -rf build build-asan build-fuzz

.PHONY: all setup build demo check install goldens check-real fuzz bench clean
