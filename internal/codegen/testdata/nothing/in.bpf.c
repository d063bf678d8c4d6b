// bpfgen: nothing
// An object without programs, maps and variables.
char _license[] __attribute__((section("license"), used)) = "MIT";
