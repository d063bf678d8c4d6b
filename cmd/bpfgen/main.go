// Command bpfgen turns BPF C into a typed Go package.
package main

func main() {}
