# SPDX-License-Identifier: Apache-2.0
# The front door. Each target sets up what it needs by itself; `make help` lists them.

JOBS ?= $(shell nproc)

.DEFAULT_GOAL := help
.PHONY: help setup build sanitizers demo test bench tidy format clean

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

setup: ## installs what building, testing and the demo need (Debian 12; root or sudo)
	@tools/setup

build: setup ## builds build/native/rivulet and build/native/librivulet.a
	@cmake --preset release >build/cmake-release.log 2>&1 || { cat build/cmake-release.log; exit 1; }
	@cmake --build --preset release -j $(JOBS)

sanitizers: setup ## builds everything again with clang, ASan, UBSan and slow checks
	@cmake --preset sanitizers >build/cmake-sanitizers.log 2>&1 || { cat build/cmake-sanitizers.log; exit 1; }
	@cmake --build --preset sanitizers -j $(JOBS)

demo: build ## airport departures on real data; DEMO_ONCE=1 runs it without pause, checks it and exits
	@demo/run

test: build sanitizers ## every test: unit, storage, faults, real processes, the demo, and tidy
	@tools/test

bench: build ## figures, each beside something run in the same minute
	@tests/bench/run

tidy: setup ## the house rules: floors, lengths, banned calls, imported symbols, format
	@tools/tidy

format: setup ## clang-format over every C file
	@git ls-files '*.c' '*.h' | xargs clang-format -i

clean: ## removes what was built, keeps what was fetched
	@rm -rf build/native build/debug build/sanitizers
