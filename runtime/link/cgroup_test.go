package link

import (
	"errors"
	"testing"

	ebpf "github.com/bpfgen/bpfgen/runtime"

	"github.com/bpfgen/bpfgen/internal/testutil"
	"github.com/bpfgen/bpfgen/internal/uapi"
	"github.com/bpfgen/bpfgen/runtime/asm"
)

// Every hook of control groups: which type of program is for which.
var cgroupHooks = map[ebpf.ProgramType][]ebpf.AttachType{
	ebpf.CGroupSKB: {ebpf.AttachCGroupInetIngress, ebpf.AttachCGroupInetEgress},
	ebpf.CGroupSock: {
		ebpf.AttachCGroupInetSockCreate, ebpf.AttachCgroupInetSockRelease,
		ebpf.AttachCGroupInet4PostBind, ebpf.AttachCGroupInet6PostBind,
	},
	ebpf.CGroupSockAddr: {
		ebpf.AttachCGroupInet4Bind, ebpf.AttachCGroupInet6Bind,
		ebpf.AttachCGroupInet4Connect, ebpf.AttachCGroupInet6Connect, ebpf.AttachCgroupUnixConnect,
		ebpf.AttachCGroupUDP4Sendmsg, ebpf.AttachCGroupUDP6Sendmsg, ebpf.AttachCgroupUnixSendmsg,
		ebpf.AttachCGroupUDP4Recvmsg, ebpf.AttachCGroupUDP6Recvmsg, ebpf.AttachCgroupUnixRecvmsg,
		ebpf.AttachCgroupInet4GetPeername, ebpf.AttachCgroupInet6GetPeername, ebpf.AttachCgroupUnixGetpeername,
		ebpf.AttachCgroupInet4GetSockname, ebpf.AttachCgroupInet6GetSockname, ebpf.AttachCgroupUnixGetsockname,
	},
	ebpf.SockOps:       {ebpf.AttachCGroupSockOps},
	ebpf.CGroupDevice:  {ebpf.AttachCGroupDevice},
	ebpf.CGroupSysctl:  {ebpf.AttachCGroupSysctl},
	ebpf.CGroupSockopt: {ebpf.AttachCGroupGetsockopt, ebpf.AttachCGroupSetsockopt},
	ebpf.LSM:           {ebpf.AttachLSMCgroup},
}

func TestEveryCgroupHook(t *testing.T) {
	testutil.Needs(t, testutil.CgroupLink, testutil.LinkDetach)
	testutil.CheckFDs(t)
	path := testutil.Cgroup(t)
	for typ, hooks := range cgroupHooks {
		for _, hook := range hooks {
			t.Run(uapi.AttachType(hook).UAPI(), func(t *testing.T) {
				spec := ebpf.ProgramSpec{Type: typ, AttachType: hook}
				name, since := uapi.AttachType(hook).UAPI(), uapi.AttachType(hook).MinKernel()
				testutil.NeedsLinux(t, name, since.Major, since.Minor)
				if typ == ebpf.LSM {
					testutil.Needs(t, testutil.LSM)
					spec.AttachTo = "socket_bind"
				}
				prog := load(t, spec, asm.Instructions{asm.Mov.Imm(asm.R0, 1), asm.Return()}) // go ahead
				l, err := AttachCgroup(CgroupOptions{Path: path, Attach: hook, Program: prog})
				if err != nil {
					t.Fatal(err)
				}
				defer l.Close()
				if info, err := l.Info(); err != nil || info.Cgroup() == nil || info.Cgroup().AttachType != hook {
					t.Errorf("%+v, %v", info, err)
				}
				if err := errors.Join(l.Update(prog), l.Detach(), l.Close()); err != nil {
					t.Error(err)
				}
			})
		}
	}
}
