# SPDX-License-Identifier: Apache-2.0
# The front door. Each target sets up what it needs by itself; `make help` lists them. JOBS=N is how
# many compilers and tests run at once (default: one a core, of tests four more).

.DEFAULT_GOAL := help
.PHONY: help setup build size sanitizers demo test sim twins differential live coverage fuzz bench tidy format clean
.NOTPARALLEL: # the tools below use all cores by themselves

export JOBS

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(firstword $(MAKEFILE_LIST)) | sed -E 's/:[^#]*## /\t/' | expand -t 14

setup: ## installs what building, testing and the demo need (Debian 12; root or sudo)
	@tools/setup

build: setup ## builds all that is shipped: build/native, build/wasi, build/browser, build/npm
	@tools/build release rivulet_binary librivulet
	@tools/build wasi modules
	@tools/build browser modules
	@tools/pack-npm

size: build ## what the modules and the JavaScript weigh, beside the most they may
	@tools/size

sanitizers: setup ## builds everything again with clang, ASan, UBSan and slow checks
	@tools/build sanitizers

demo: build ## airport departures on real data; DEMO_ONCE=1 runs it without pause, checks it and exits
	@demo/run

test: setup ## every test: unit, storage, faults, real processes, the demo, and tidy
	@tools/test

sim: setup ## SEEDS (1000) worlds of many nodes under faults; SEED=n replays one; docs/simulation.md
	@tools/build release simulate
	@tests/sim/run

TWINS = log_log log_lookup log_ledger log_versions log_purge log_rewrite log_mark state_pages \
        state_overlay state_changes state_state_twin state_generated_twin

twins: setup ## log, indexes, pages and folding beside naive twins, ROUNDS (100) times as often as in test
	@tools/build release $(TWINS:%=test_unit_%)
	@for twin in $(TWINS); do \
	    echo "$$twin" && RIVULET_ROUNDS=$(or $(ROUNDS),100) build/native/test_unit_$$twin || exit 1; \
	done

differential: setup ## SELECTS (100000) generated queries over aggregates and over SQLite's own tables; SEED=n
	@tools/build release test_unit_sql_differential
	@build/native/test_unit_sql_differential $(or $(SEED),1) $(or $(SELECTS),100000)

live: setup ## SEEDS (1000) worlds of live queries, each beside the same query asked again; SEED=n
	@tools/build release test_unit_sql_reads test_unit_face_live_edge test_unit_face_waiting
	@build/native/test_unit_sql_reads $(or $(SEED),1) $(or $(SEEDS),1000)
	@build/native/test_unit_face_live_edge $(or $(SEED),1) $(or $(SEEDS),1000)
	@build/native/test_unit_face_waiting $(or $(SEED),1) $(or $(SEEDS),1000)

coverage: setup ## which branches of core the unit, storage, fault and fuzz tests take
	@tools/coverage

fuzz: setup ## every fuzz target for FUZZ_SECONDS (60) each; docs/fuzzing.md
	@tools/build fuzz fuzz_targets
	@tests/fuzz/run

bench: setup ## figures, each beside something run in the same minute
	@tests/bench/run

tidy: build ## the house rules: floors, lengths, banned calls, imported symbols, format
	@tools/tidy

format: setup ## clang-format over every C file
	@git ls-files -z '*.c' '*.h' | xargs -0 clang-format -i

clean: ## removes what was built, keeps what was fetched
	@rm -rf build/native build/debug build/sanitizers build/coverage build/fuzz build/wasi build/browser build/arm \
		build/npm build/tests build/*.log
