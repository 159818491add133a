# What a person types. `make help` lists it. The build itself is CMake's; scripts/ has the set-up.

BUILD     ?= build/release
PREFIX    ?= /usr/local
TEST_JOBS ?= 3
COUNT     ?= 1000000
SECONDS   ?= 60

cmake_build = cmake --build $(BUILD)

.PHONY: all setup configure build run test tsan valgrind coverage analyze soak sweep bombs fuzz fuzz-build fuzz-merge bench spec guests install tidy clean help
.NOTPARALLEL:

all: build

setup:
	@scripts/setup

# The engine first, by itself, so that what it says is seen as it says it.
configure: setup
	@mkdir -p $(BUILD)
	@engine=$$(scripts/engine) && scripts/engine-cache "$$engine" && \
	if ! BULKHEAD_ENGINE_DIR=$$engine cmake -S . -B $(BUILD) -G Ninja $(CMAKE_FLAGS) \
		>$(BUILD)/configure.log; then cat $(BUILD)/configure.log; exit 1; fi

build: configure
	@$(cmake_build)

run: build
	@scripts/run $(BUILD)/bulkhead

test: configure
	@$(cmake_build) --target tests
	@ctest --test-dir $(BUILD) --output-on-failure -j $(TEST_JOBS) $(CTEST_FLAGS)

tsan:
	@$(MAKE) --no-print-directory test BUILD=build/tsan CMAKE_FLAGS=-DBULKHEAD_TSAN=ON

valgrind: configure
	@scripts/setup valgrind
	@$(cmake_build) --target tests
	@scripts/valgrind $(BUILD) $(TEST_JOBS)

coverage:
	@scripts/setup gcovr
	@$(MAKE) --no-print-directory test BUILD=build/coverage CMAKE_FLAGS=-DBULKHEAD_COVERAGE=ON
	@scripts/coverage build/coverage

analyze: configure
	@scripts/setup clang-tidy
	@scripts/analyze $(BUILD) $(TEST_JOBS)

soak: configure
	@$(cmake_build) --target soak
	@$(BUILD)/tests/soak $(COUNT)

sweep: configure
	@$(cmake_build) --target test_grammar_modules_rss test_grammar_components_rss
	@rm -f $(BUILD)/grammar.md; status=0; \
	for part in modules components; do \
		BHD_LONG=1 BHD_GRAMMAR_TABLE=$(BUILD)/grammar.md \
			$(BUILD)/tests/security/test_grammar_$${part}_rss $(VECTOR) || status=1; \
	done; cat $(BUILD)/grammar.md; exit $$status

bombs: configure
	@$(cmake_build) --target test_compile_hostile_rss
	@BHD_LONG=1 $(BUILD)/tests/security/test_compile_hostile_rss $(BOMB)

# In a build tree of its own, with clang.
fuzz-build:
	@command -v clang >/dev/null || { \
		echo "make fuzz: clang is missing (on Debian: apt-get install clang)"; exit 1; }
	@$(MAKE) --no-print-directory configure BUILD=build/fuzz CC=clang CMAKE_FLAGS=-DBULKHEAD_FUZZ=ON
	@cmake --build build/fuzz --target $(if $(TARGET),fuzz_$(TARGET),fuzz)

fuzz: fuzz-build
	@scripts/fuzz build/fuzz $(SECONDS) $(TARGET)

fuzz-merge: fuzz-build
	@scripts/fuzz build/fuzz --merge $(TARGET)

bench: configure
	@$(cmake_build) --target bench
	@for program in $(BUILD)/bench/*; do \
		if [ -f "$$program" ] && [ -x "$$program" ] && [ ! -L "$$program" ]; then \
			"$$program" || exit 1; fi; \
	done

spec: configure
	@$(cmake_build) --target spec
	@tests/spec/run $(BUILD)/tests/spec/spec $(SPEC)

guests:
	@$(MAKE) --no-print-directory -C guests

install: build
	@DESTDIR="$(DESTDIR)" cmake --install $(BUILD) --prefix "$(PREFIX)"

tidy:
	@scripts/tidy

clean:
	rm -rf build

help:
	@echo "make           build $(BUILD)/bulkhead, libbulkhead.a and libbulkhead.so"
	@echo "make run       the same, then run examples/hello and examples/hog and show their reports"
	@echo "make test      build and run every test; CTEST_FLAGS='-L unit -LE asan' chooses"
	@echo "make tsan      build and run the C tests under ThreadSanitizer, in build/tsan"
	@echo "make valgrind  build the tests and run those of the C rooms under valgrind's memcheck"
	@echo "make coverage  run every C test in build/coverage and say which lines of src/ they reach"
	@echo "make analyze   gcc -fanalyzer and clang-tidy over src/ and cli/"
	@echo "make soak      a million sandboxes on all processors; COUNT=N for another number"
	@echo "make sweep     every vector of the binary format, as long as is allowed; VECTOR=globals for some"
	@echo "make bombs     compile binaries that may be dear, of every size; BOMB=adapters for some"
	@echo "make fuzz      fuzz every target for SECONDS ($(SECONDS)), with clang; TARGET=size for one"
	@echo "make fuzz-merge TARGET=size        keep new inputs of a target in fuzz/corpus"
	@echo "make bench     build and run the benches"
	@echo "make spec      run the specification's own tests; fetches them once (needs cargo)"
	@echo "make guests    rebuild the test guests from their sources (needs a guest toolchain)"
	@echo "make install   install below PREFIX ($(PREFIX)), staged below DESTDIR if that is set"
	@echo "make tidy      say where the form of the C sources differs from .clang-format"
	@echo "make CC=clang BUILD=build/clang    the same with another compiler; works with every line here"
	@echo "make setup     make sure that this machine has what a build needs"
	@echo "make clean     remove build/; the engine stays in \$${XDG_CACHE_HOME:-~/.cache}/bulkhead"
