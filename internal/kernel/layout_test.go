package kernel

import (
	"testing"
	"unsafe"
)

// Sizes and the offsets of last fields as linux/bpf.h (7.0) has them. They hold
// on every architecture, 32-bit ones included.
func TestLayoutIsTheKernels(t *testing.T) {
	for name, test := range map[string]struct{ got, want uintptr }{
		"MapCreateAttr.MapName":             {unsafe.Offsetof(MapCreateAttr{}.MapName), 28},
		"MapCreateAttr.MapExtra":            {unsafe.Offsetof(MapCreateAttr{}.MapExtra), 64},
		"MapCreateAttr.ExclProgHashSize":    {unsafe.Offsetof(MapCreateAttr{}.ExclProgHashSize), 88},
		"MapElemAttr.Flags":                 {unsafe.Offsetof(MapElemAttr{}.Flags), 24},
		"MapBatchAttr.Flags":                {unsafe.Offsetof(MapBatchAttr{}.Flags), 48},
		"ProgLoadAttr.ProgName":             {unsafe.Offsetof(ProgLoadAttr{}.ProgName), 48},
		"ProgLoadAttr.AttachFD":             {unsafe.Offsetof(ProgLoadAttr{}.AttachFD), 112},
		"ProgLoadAttr.LogTrueSize":          {unsafe.Offsetof(ProgLoadAttr{}.LogTrueSize), 140},
		"ProgLoadAttr.FDArrayCnt":           {unsafe.Offsetof(ProgLoadAttr{}.FDArrayCnt), 148},
		"ProgLoadAttr.KeyringID":            {unsafe.Offsetof(ProgLoadAttr{}.KeyringID), 164},
		"ProgTestRunAttr.CtxOut":            {unsafe.Offsetof(ProgTestRunAttr{}.CtxOut), 56},
		"ProgTestRunAttr.BatchSize":         {unsafe.Offsetof(ProgTestRunAttr{}.BatchSize), 72},
		"objAttr.pathFD":                    {unsafe.Offsetof(objAttr{}.pathFD), 16},
		"BTFLoadAttr.TokenFD":               {unsafe.Offsetof(BTFLoadAttr{}.TokenFD), 36},
		"LinkCreateAttr.Extra":              {unsafe.Offsetof(LinkCreateAttr[LinkTracing]{}.Extra), 16},
		"LinkTracing.Cookie":                {unsafe.Offsetof(LinkTracing{}.Cookie), 8},
		"LinkIter.InfoLen":                  {unsafe.Offsetof(LinkIter{}.InfoLen), 8},
		"LinkMulti.Cookies":                 {unsafe.Offsetof(LinkMulti{}.Cookies), 24},
		"LinkUprobeMulti.PathFD":            {unsafe.Offsetof(LinkUprobeMulti{}.PathFD), 44},
		"LinkNetfilter.Flags":               {unsafe.Offsetof(LinkNetfilter{}.Flags), 12},
		"LinkRelative.ExpectedRevision":     {unsafe.Offsetof(LinkRelative{}.ExpectedRevision), 8},
		"ProgAttachAttr.ExpectedRevision":   {unsafe.Offsetof(ProgAttachAttr{}.ExpectedRevision), 24},
		"ProgQueryAttr.Revision":            {unsafe.Offsetof(ProgQueryAttr{}.Revision), 56},
		"sizeof MapInfo":                    {unsafe.Sizeof(MapInfo{}), 104},
		"MapInfo.HashSize":                  {unsafe.Offsetof(MapInfo{}.HashSize), 96},
		"sizeof ProgInfo":                   {unsafe.Sizeof(ProgInfo{}), 232},
		"ProgInfo.Name":                     {unsafe.Offsetof(ProgInfo{}.Name), 64},
		"ProgInfo.AttachBTFID":              {unsafe.Offsetof(ProgInfo{}.AttachBTFID), 224},
		"sizeof BTFInfo":                    {unsafe.Sizeof(BTFInfo{}), 32},
		"RawTracepointLinkInfo.Name":        {unsafe.Offsetof(RawTracepointLinkInfo{}.Name), 16},
		"RawTracepointLinkInfo.Cookie":      {unsafe.Offsetof(RawTracepointLinkInfo{}.Cookie), 32},
		"TracingLinkInfo.Cookie":            {unsafe.Offsetof(TracingLinkInfo{}.Cookie), 32},
		"CgroupLinkInfo.AttachType":         {unsafe.Offsetof(CgroupLinkInfo{}.AttachType), 24},
		"IterLinkInfo.MapID":                {unsafe.Offsetof(IterLinkInfo{}.MapID), 28},
		"IterLinkInfo.Order":                {unsafe.Offsetof(IterLinkInfo{}.Order), 40},
		"KprobeMultiLinkInfo.Cookies":       {unsafe.Offsetof(KprobeMultiLinkInfo{}.Cookies), 40},
		"UprobeMultiLinkInfo.PID":           {unsafe.Offsetof(UprobeMultiLinkInfo{}.PID), 60},
		"PerfUprobeLinkInfo.RefCtrOffset":   {unsafe.Offsetof(PerfUprobeLinkInfo{}.RefCtrOffset), 48},
		"PerfKprobeLinkInfo.Cookie":         {unsafe.Offsetof(PerfKprobeLinkInfo{}.Cookie), 56},
		"PerfTracepointLinkInfo.Cookie":     {unsafe.Offsetof(PerfTracepointLinkInfo{}.Cookie), 40},
		"PerfPlainLinkInfo.Cookie":          {unsafe.Offsetof(PerfPlainLinkInfo{}.Cookie), 40},
		"sizeof Pointer":                    {unsafe.Sizeof(Pointer{}), 8},
		"offset of pointer in half a union": {unsafe.Offsetof(MapElemAttr{}.Key), 8},
	} {
		if test.got != test.want {
			t.Errorf("%s: %d, want %d", name, test.got, test.want)
		}
	}
}
