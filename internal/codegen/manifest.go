package codegen

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/bpfgen/bpfgen/internal/bpfheaders"
	"github.com/bpfgen/bpfgen/internal/uapi"
)

// OutputRevision counts the changes to what is generated from the same sources.
// Outputs of another revision are stale.
const OutputRevision = 7

// ManifestExt is how the names of manifests end.
const ManifestExt = ".bpfgen"

const manifestHeader = "# Written by bpfgen, for itself: what was made of what. Merge conflict? Run go generate.\n"

// Manifest records a run of the generator: what it was asked, read and wrote.
//
// It is a text file beside the outputs, one fact a line and in a fixed order,
// without anything that depends on where the project is.
type Manifest struct {
	Path string // absolute

	Settings []string // all that a Request says, as lines
	Compiler string
	Beside   []string // names of the rest of the package that had an influence
	Inputs   []Digest
	Outputs  []Digest
	Messages []byte   // of the compiler
	Warnings []string // of ours
}

// Digest says what was in a file.
type Digest struct {
	Path string // as locator writes it
	Sum  string
}

// ManifestPath returns where the manifest of a request is. Directives that
// write other files have another manifest.
func (req *Request) ManifestPath() string {
	var targets []string
	for _, t := range req.Targets {
		targets = append(targets, t.Suffix())
	}
	name := req.stem() + req.OutputSuffix
	if list := strings.Join(targets, "_"); list != "bpfel_bpfeb" {
		name = req.stem() + "_" + list + req.OutputSuffix
	}
	return filepath.Join(req.path(req.OutputDir), name+ManifestExt)
}

// lines returns what is written, without line ends.
func (m *Manifest) lines() []string {
	lines := []string{"revision " + strconv.Itoa(OutputRevision), "compiler " + m.Compiler}
	add := func(key string, values []string) {
		for _, v := range values {
			lines = append(lines, key+" "+v)
		}
	}
	add("set", m.Settings)
	add("beside", m.Beside)
	for _, in := range m.Inputs {
		lines = append(lines, "in "+in.Sum+" "+in.Path)
	}
	for _, out := range m.Outputs {
		lines = append(lines, "out "+out.Sum+" "+out.Path)
	}
	if len(m.Messages) > 0 {
		lines = append(lines, "said "+strconv.Quote(string(m.Messages)))
	}
	add("warned", m.Warnings)
	return lines
}

// Marshal returns the bytes of the manifest's file.
func (m *Manifest) Marshal() []byte {
	var b bytes.Buffer
	b.WriteString(manifestHeader)
	for _, line := range m.lines() {
		b.WriteString(strings.ReplaceAll(line, "\n", " ") + "\n")
	}
	return b.Bytes()
}

var errBadManifest = errors.New("it is no manifest of this version of bpfgen")

// ReadManifest reads the manifest at path. One that doesn't make sense, after a
// merge for example, is an error like one that isn't there.
func ReadManifest(path string) (*Manifest, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	m := &Manifest{Path: path}
	revision := false
	for line := range strings.Lines(string(data)) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		sum, file, _ := strings.Cut(value, " ")
		switch key {
		case "#":
		case "revision":
			revision = value == strconv.Itoa(OutputRevision)
		case "compiler":
			m.Compiler = value
		case "set":
			m.Settings = append(m.Settings, value)
		case "beside":
			m.Beside = append(m.Beside, value)
		case "in":
			m.Inputs = append(m.Inputs, Digest{file, sum})
		case "out":
			m.Outputs = append(m.Outputs, Digest{file, sum})
		case "said":
			said, err := strconv.Unquote(value)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", path, errBadManifest)
			}
			m.Messages = []byte(said)
		case "warned":
			m.Warnings = append(m.Warnings, value)
		default:
			return nil, fmt.Errorf("%s: %w", path, errBadManifest)
		}
	}
	if !revision || len(m.Inputs) == 0 || len(m.Outputs) == 0 {
		return nil, fmt.Errorf("%s: %w", path, errBadManifest)
	}
	return m, nil
}

// settings says all that decides about the output, apart from the compiler and
// the contents of files.
func (req *Request) settings(l locator) []string {
	lines := []string{"ident " + req.Ident, "package " + req.Package, "folder " + l.name(req.Dir)}
	for _, source := range req.Sources {
		lines = append(lines, "source "+l.flag(source))
	}
	for _, t := range req.Targets {
		lines = append(lines, "target "+t.Suffix())
	}
	for _, flag := range req.CFlags {
		lines = append(lines, "cflag "+l.flag(flag))
	}
	lines = append(lines, req.moduleSettings()...)
	for _, entry := range req.Env {
		if name, value, _ := strings.Cut(entry, "="); (name == "CPATH" || name == "C_INCLUDE_PATH") && value != "" {
			lines = append(lines, name+" "+l.flag(value))
		}
	}
	if req.MinKernel != (uapi.KernelVersion{}) {
		lines = append(lines, "min-kernel "+req.MinKernel.String())
	}
	for _, r := range req.Types {
		lines = append(lines, "type "+r.String())
	}
	for _, event := range req.Events {
		lines = append(lines, "event "+event.String())
	}
	for _, pattern := range req.Consts {
		lines = append(lines, "const "+pattern)
	}
	if req.Tags != nil {
		lines = append(lines, "tags "+req.Tags.String())
	}
	if req.Untyped {
		lines = append(lines, "untyped")
	}
	if req.NoGlobalTypes {
		lines = append(lines, "no-global-types")
	}
	if req.OwnHeaders {
		lines = append(lines, "own-headers")
	}
	if req.KeepDWARF {
		lines = append(lines, "no-strip")
	}
	if req.MakeBase != "" {
		lines = append(lines, "makebase "+l.name(req.path(req.MakeBase)))
	}
	return lines
}

// manifest describes a run that is about to be committed.
func (req *Request) manifest(compiler string, deps, declares []string, since fs.FileInfo, result *Result) (*Manifest, error) {
	l := req.locator()
	m := &Manifest{
		Path: req.ManifestPath(), Settings: req.settings(l), Compiler: compiler,
		Messages: result.Messages, Warnings: result.Warnings,
	}
	slices.Sort(deps)
	for _, path := range slices.Compact(deps) {
		digest, err := req.digestSince(path, since)
		if err != nil {
			return nil, err
		}
		m.Inputs = append(m.Inputs, Digest{l.name(path), digest})
	}
	slices.SortFunc(m.Inputs, func(a, b Digest) int { return strings.Compare(a.Path, b.Path) })
	for _, file := range result.Files {
		m.Outputs = append(m.Outputs, Digest{l.name(file.Path), sumOf(file.Data)})
	}
	m.Beside = req.beside(declares, nil)
	return m, nil
}

// digestSince returns the digest of an input, or none that will ever match if
// it was written after the run began: the compiler may have read less.
func (req *Request) digestSince(path string, since fs.FileInfo) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if since != nil && info.ModTime().After(since.ModTime()) {
		return "changed-meanwhile", nil
	}
	in, err := req.inputs.read(path)
	return in.sum, err
}

func sumOf(data []byte) string {
	sum := sha256.Sum256(data)
	return shortSum(sum[:])
}

func shortSum(sum []byte) string { return hex.EncodeToString(sum[:16]) }

func fileSum(path string) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	return sumOf(data), nil
}

// Stale says why outputs aren't what the sources give.
type Stale struct {
	Output string // the file, or the manifest for all of its files
	Cause  string // "events.h has changed"
}

// Check compares the manifest with the files it names. Those of the system are
// compared if system is set: another machine has others, without being wrong.
//
// It stops at the first input that differs, because that is the cause for all
// outputs.
func (m *Manifest) Check(system bool, env []string) []Stale {
	l := newLocator(filepath.Dir(m.Path), env)
	for _, in := range m.Inputs {
		if isSystem(in.Path) && !system {
			continue
		}
		if cause := in.compare(l); cause != "" {
			return m.Blame(cause)
		}
	}
	var stale []Stale
	for _, out := range m.Outputs {
		if cause := out.compare(l); cause != "" {
			stale = append(stale, Stale{l.path(out.Path), cause})
		}
	}
	return stale
}

// Interrupted tells whether a run that wrote the same files was killed before it
// could clean up, or is at work.
func (m *Manifest) Interrupted() bool {
	l := newLocator(filepath.Dir(m.Path), nil)
	for _, path := range append([]string{m.Path}, m.outputPaths(l)...) {
		siblings, err := filepath.Glob(filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".*"))
		if err != nil {
			continue // a name with a bad pattern in it can't be searched
		}
		for _, sibling := range siblings {
			if isSibling(filepath.Base(sibling), filepath.Base(path)) {
				return true
			}
		}
	}
	return false
}

func (m *Manifest) outputPaths(l locator) []string {
	paths := make([]string, len(m.Outputs))
	for i, out := range m.Outputs {
		paths[i] = l.path(out.Path)
	}
	return paths
}

// Blame names one cause for every output.
func (m *Manifest) Blame(cause string) []Stale {
	l := newLocator(filepath.Dir(m.Path), nil)
	stale := make([]Stale, len(m.Outputs))
	for i, out := range m.Outputs {
		stale[i] = Stale{l.path(out.Path), cause}
	}
	return stale
}

// CheckRequest tells what is different from how the outputs were generated, or
// "" if nothing is, apart from the contents of files.
func (m *Manifest) CheckRequest(req *Request) string {
	settings := req.settings(req.locator())
	for _, s := range settings {
		if !slices.Contains(m.Settings, s) {
			return "generated without " + s
		}
	}
	for _, s := range m.Settings {
		if !slices.Contains(settings, s) {
			return "generated with " + s
		}
	}
	if !slices.Equal(m.Settings, settings) {
		return "generated with another order of flags"
	}
	outputs := m.outputPaths(newLocator(filepath.Dir(m.Path), nil))
	beside := req.beside(declarationsOf(outputs), m.Beside)
	for _, name := range beside {
		if !slices.Contains(m.Beside, name) {
			return name + " is declared by the package now"
		}
	}
	for _, name := range m.Beside {
		if !slices.Contains(beside, name) {
			return name + " isn't declared by the package any more"
		}
	}
	return ""
}

func (d Digest) compare(l locator) (cause string) {
	if name, ok := strings.CutPrefix(d.Path, headersVar+"/"); ok {
		if data, err := bpfheaders.Read(name); err != nil || sumOf(data) != d.Sum {
			return "<" + name + "> of bpfgen has changed"
		}
		return ""
	}
	path := l.path(d.Path)
	sum, err := fileSum(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return l.show(path) + " is missing"
	case err != nil:
		return err.Error()
	case sum != d.Sum:
		return l.show(path) + " has changed"
	}
	return ""
}
