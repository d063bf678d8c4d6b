// Package corerelo solves CO-RE relocations: it adjusts a program to the types of the kernel it is loaded into.
package corerelo
