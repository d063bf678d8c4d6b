# The two commands of the README are `make demo` and `make test`; `make help` lists the rest.
SHELL      := /bin/bash
GO         ?= go
# The compiler of everything that is checked in. Any clang works for users; one version keeps our objects byte-identical.
CLANG      ?= $(shell command -v clang-19 || command -v clang || echo clang-19)
BIN        := $(CURDIR)/bin
FUZZTIME   ?= 20s
TESTFLAGS  ?= -race

.DEFAULT_GOAL := help
.PHONY: help demo test soak compilers faults test-kernels test-kernels-quick test-quick check fmt vet lint vuln imports generate generated-current api api-current testdata tools deps build parity bench bench-quick bench-deps fuzz clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F':.*## ' '{printf "  make %-18s %s\n", $$1, $$2}'

demo: deps build ## generate, build and run examples/execsnoop: watch BPF at work for some seconds
	@BPFGEN=$(BIN)/bpfgen CLANG=$(CLANG) GO=$(GO) scripts/demo.sh

test: deps tools build ## every test: unit, golden, end to end on this kernel; ends with what was skipped and why
	@BPFGEN_CLANG=$(CLANG) GO=$(GO) scripts/test.sh $(TESTFLAGS) ./...

test-kernels: ## every kernel test, in virtual machines with Debian's kernels from 5.10 to the newest (or as VMTEST="-machines amd64/6.1" says); writes docs/kernels.md
	$(GO) run ./internal/cmd/vmtest $(VMTEST) -table docs/kernels.md

test-kernels-quick: ## three of these machines, a part of the tests
	@GO=$(GO) scripts/test-kernels-quick.sh

soak: ## the long tests of docs/reliability.md: millions of events, 100,000 loads, 64 goroutines
	$(GO) test -count=1 -v -timeout 60m -run '^TestSoak' ./runtime -soak
	$(GO) test -race -count=1 -v -timeout 60m -run '^TestSoakSharedMap$$' ./runtime -soak

compilers: ## build the test objects with the oldest clang that is supported and the newest: both declare the same
	@for c in clang-14 clang-22; do command -v $$c >/dev/null || apt-get install -y -q --no-install-recommends $$c || exit; done
	$(GO) test -count=1 -v -run '^TestCompilers$$' ./runtime

faults: deps ## every system call of loading, attaching, reading and closing fails once, in every way
	$(GO) test -tags faults -count=1 -run Fault ./runtime/...

test-quick: tools ## the same without the race detector
	@BPFGEN_CLANG=$(CLANG) GO=$(GO) scripts/test.sh ./...

check: deps tools fmt vet lint vuln imports generated-current api-current ## format, vet, staticcheck, known vulnerabilities, import rules, generated files current

fmt: ## fail on files that gofmt would change
	@bad=$$(gofmt -l $$(git ls-files -co --exclude-standard '*.go')); \
	if [ -n "$$bad" ]; then echo "not gofmt-ed (gofmt -w them):"; echo "$$bad"; exit 1; fi

vet: ## go vet, for amd64, arm64 and a big-endian machine
	$(GO) vet ./...
	$(GO) vet -tags faults ./runtime/... ./internal/...
	GOARCH=arm64 $(GO) vet ./runtime/... ./internal/...
	GOARCH=s390x $(GO) vet ./runtime/... ./internal/...

lint: tools ## staticcheck
	$(BIN)/staticcheck ./...

vuln: tools ## known vulnerabilities, if their database can be reached
	@scripts/vulncheck.sh

imports: ## the import rules of docs/architecture.md
	$(GO) test -count=1 -run '^TestImport' .

generate: deps build ## regenerate what the examples have checked in
	@find examples -name '*.bpfgen' -delete # a manifest knows nothing of changes to the generator
	BPF2GO_CC=$(CLANG) $(GO) generate ./examples/...

golden: deps ## rewrite every golden file, and what is generated, with what the code gives now
	BPFGEN_CLANG=$(CLANG) GO=$(GO) scripts/golden.sh
	$(MAKE) generate

generated-current: deps build ## regenerate and fail on a difference
	@BPF2GO_CC=$(CLANG) GO=$(GO) scripts/generated-current.sh

testdata: deps ## recompile the checked-in objects under testdata
	$(MAKE) -C testdata CLANG=$(CLANG)

api: ## compare our API with ebpf-go's: docs/ebpf-go.md
	$(GO) -C tools/apidiff run .

api-current: ## fail if docs/ebpf-go.md is not what make api writes
	@$(GO) -C tools/apidiff run . -check

build: ## build bin/bpfgen
	@$(GO) build -o $(BIN)/bpfgen ./cmd/bpfgen

tools: ## build the test runner and the linter (a module of their own)
	@$(GO) -C tools build -o $(BIN)/ tool

deps: ## install what is missing: clang and the BPF headers
	@scripts/deps.sh

parity: deps ## load the kernel's selftests with libbpf, ebpf-go and ours, generate with bpf2go and ours; fail on a difference
	@CLANG=$(CLANG) $(GO) -C parity test .
	@CLANG=$(CLANG) GO=$(GO) scripts/parity.sh

bench: bench-deps ## measure ours, ebpf-go, libbpf and a floor; writes docs/performance.md
	@LIBBPF=$$(scripts/libbpf-source.sh) $(GO) -C benchmarks run .

bench-quick: bench-deps ## the same in two minutes, printed
	@LIBBPF=$$(scripts/libbpf-source.sh) $(GO) -C benchmarks run . -quick

bench-deps: deps
	@command -v strace cc $(subst clang,llvm-strip,$(CLANG)) >/dev/null && [ -e /usr/include/bpf/libbpf.h ] && [ -e /usr/include/libelf.h ] || \
		apt-get install -y -q --no-install-recommends strace gcc libc6-dev libbpf-dev libelf-dev zlib1g-dev $(subst clang,llvm,$(notdir $(CLANG)))

fuzz: ## run every fuzz target for FUZZTIME (20s)
	@FUZZTIME=$(FUZZTIME) GO=$(GO) scripts/fuzz.sh

clean: ## remove what was built
	rm -rf $(BIN)
