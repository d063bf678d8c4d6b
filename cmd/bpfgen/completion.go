package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"
)

const completionUsage = `Usage: bpfgen completion bash|zsh|fish

Writes a script that completes bpfgen's commands, flags, and file names.

Example:

	bpfgen completion bash > ~/.local/share/bash-completion/completions/bpfgen
	bpfgen completion zsh > "${fpath[1]}/_bpfgen"
	bpfgen completion fish > ~/.config/fish/completions/bpfgen.fish
`

// completion writes a shell script.
func completion(_ context.Context, c console, args []string) error {
	fs := flag.NewFlagSet("bpfgen completion", flag.ContinueOnError)
	if done, err := c.parse(fs, args, completionUsage); done || err != nil {
		return err
	}
	write := map[string]func(io.Writer, []words){"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}[fs.Arg(0)]
	if fs.NArg() != 1 || write == nil {
		return usagef("bpfgen completion wants one of bash, zsh and fish")
	}
	var script bytes.Buffer
	write(&script, completionWords())
	_, err := script.WriteTo(c.stdout)
	return err
}

// words are the flags of a command.
type words struct {
	command, summary string
	flags            []string
}

var flagLine = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?m)^  (-[A-Za-z][a-z-]*)`)
})

// completionWords reads the flags off each command's help, so that there is one
// list of them.
func completionWords() []words {
	var all []words
	for _, cmd := range commands() {
		var help strings.Builder
		c := console{stdout: &help, stderr: io.Discard}
		if cmd.name == "completion" {
			help.WriteString(completionUsage) // asking it would never end
		} else if code := run(append(strings.Fields(cmd.name), "-h"), nil, c.stdout, c.stderr); code != exitOK {
			continue
		}
		w := words{command: cmd.name, summary: cmd.summary}
		for _, match := range flagLine().FindAllStringSubmatch(help.String(), -1) {
			w.flags = append(w.flags, match[1])
		}
		slices.Sort(w.flags)
		all = append(all, w)
	}
	return all
}

func bashCompletion(w io.Writer, all []words) {
	var names []string
	fmt.Fprint(w, "_bpfgen() {\n\tlocal cur=${COMP_WORDS[COMP_CWORD]} words=\n\tcase ${COMP_WORDS[1]} in\n")
	generator := ""
	for _, cmd := range all {
		if cmd.command == "" {
			generator = strings.Join(cmd.flags, " ")
			continue
		}
		names = append(names, cmd.command)
		fmt.Fprintf(w, "\t%s) words=%q ;;\n", cmd.command, strings.Join(cmd.flags, " "))
	}
	fmt.Fprintf(w, "\t*) words=%q ;;\n\tesac\n", generator)
	fmt.Fprintf(w, "\tif [ \"$COMP_CWORD\" -eq 1 ]; then words=\"$words %s\"; fi\n", strings.Join(names, " "))
	fmt.Fprint(w, "\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"; compgen -f -- \"$cur\"))\n}\ncomplete -o filenames -F _bpfgen bpfgen\n")
}

func zshCompletion(w io.Writer, all []words) {
	fmt.Fprint(w, "#compdef bpfgen\n\nlocal -a commands flags\ncommands=(\n")
	for _, cmd := range all {
		if cmd.command != "" {
			fmt.Fprintf(w, "\t'%s:%s'\n", cmd.command, strings.ReplaceAll(cmd.summary, "'", `'\''`))
		}
	}
	fmt.Fprint(w, ")\ncase $words[2] in\n")
	for _, cmd := range all {
		pattern := cmd.command
		if pattern == "" {
			pattern = "*"
		}
		fmt.Fprintf(w, "%s) flags=(%s) ;;\n", pattern, strings.Join(cmd.flags, " "))
	}
	fmt.Fprint(w, "esac\nif (( CURRENT == 2 )); then _describe command commands; fi\ncompadd -- $flags\n_files\n")
}

func fishCompletion(w io.Writer, all []words) {
	for _, cmd := range all {
		condition := "__fish_seen_subcommand_from " + cmd.command
		if cmd.command == "" {
			condition = "__fish_is_first_arg"
		} else {
			fmt.Fprintf(w, "complete -c bpfgen -n __fish_is_first_arg -a %s -d %q\n", cmd.command, cmd.summary)
		}
		for _, name := range cmd.flags {
			fmt.Fprintf(w, "complete -c bpfgen -n %q -o %s\n", condition, strings.TrimPrefix(name, "-"))
		}
	}
}
