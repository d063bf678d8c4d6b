package kernel

import (
	"fmt"
	"strconv"
	"strings"
)

const (
	possibleCPUs = "/sys/devices/system/cpu/possible"
	onlineCPUs   = "/sys/devices/system/cpu/online"
)

// PossibleCPUs is the number of CPUs that the kernel could ever have, which is
// the number of values that an element of a per-CPU map has. It reads a file:
// callers keep the answer, which never changes.
func PossibleCPUs() (int, error) {
	cpus, err := readCPUs(possibleCPUs)
	if err != nil {
		return 0, err
	}
	return cpus[len(cpus)-1] + 1, nil
}

// OnlineCPUs are the numbers of the CPUs that run now, ascending.
func OnlineCPUs() ([]int, error) { return readCPUs(onlineCPUs) }

func readCPUs(file string) ([]int, error) {
	text, err := ReadFile(file)
	if err != nil {
		return nil, err
	}
	cpus, err := parseCPUs(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return cpus, nil
}

// maxCPUs bounds what a list of CPUs can make us allocate; Linux has 8192.
const maxCPUs = 1 << 16

// parseCPUs reads a list such as "0-3,8".
func parseCPUs(list string) ([]int, error) {
	var cpus []int
	for _, item := range strings.Split(list, ",") {
		low, high, isRange := strings.Cut(item, "-")
		if !isRange {
			high = low
		}
		first, err := strconv.ParseUint(low, 10, 31)
		if err != nil {
			return nil, fmt.Errorf("list of CPUs %q: %w", list, err)
		}
		last, err := strconv.ParseUint(high, 10, 31)
		if err != nil {
			return nil, fmt.Errorf("list of CPUs %q: %w", list, err)
		}
		if last < first || last >= maxCPUs || len(cpus) > 0 && int(first) <= cpus[len(cpus)-1] {
			return nil, fmt.Errorf("list of CPUs %q: %q is out of order", list, item)
		}
		for cpu := first; cpu <= last; cpu++ {
			cpus = append(cpus, int(cpu))
		}
	}
	return cpus, nil
}
