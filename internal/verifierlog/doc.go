// Package verifierlog reads what the kernel's verifier writes about a program
// that it rejects: what is wrong, at which instruction, with what in the
// registers, and by which branches it came there. It also has the table of known
// rejections with advice for each.
//
// The log is text for people, which changes from kernel to kernel. So the reader
// takes what it knows and passes over the rest; it never fails.
package verifierlog
