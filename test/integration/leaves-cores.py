"""Children that die of signals, and what their core files have (core(5), elf(5))."""
import ctypes
import mmap
import os
import resource
import signal
import struct
import threading
import time

MARK = b"a mark that is in memory only: " + b"%d" % (6 * 7)
libc = ctypes.CDLL(None)
PR_SET_DUMPABLE = 4
PT_LOAD, PT_NOTE = 1, 4
NAMES = {1: "PRSTATUS", 2: "FPREGSET", 3: "PRPSINFO", 6: "AUXV", 0x202: "XSTATE", 0x53494749: "SIGINFO", 0x46494C45: "FILE"}


def parse(name):
    data = open(name, "rb").read()
    kind, machine = struct.unpack_from("<HH", data, 16)
    (headers_at,) = struct.unpack_from("<Q", data, 32)
    (count,) = struct.unpack_from("<H", data, 56)
    segments = [struct.unpack_from("<IIQQQQQQ", data, headers_at + 56 * i) for i in range(count)]
    notes = []
    for segment in segments:
        if segment[0] != PT_NOTE:
            continue
        at, end = segment[2], segment[2] + segment[5]
        while at < end:
            name_size, size, note = struct.unpack_from("<III", data, at)
            at += 12 + (name_size + 3) // 4 * 4
            notes.append((note, data[at : at + size]))
            at += (size + 3) // 4 * 4
    loads = [s for s in segments if s[0] == PT_LOAD]
    return data, kind, machine, notes, loads


def content(data, loads, addr, length):
    for _, flags, offset, start, _, in_file, size, _ in loads:
        if start <= addr < start + size:
            return (flags, data[offset + addr - start :][:length]) if addr - start + length <= in_file else (flags, None)
    return None


def child(what, limit=resource.RLIM_INFINITY):
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        # Lowering alone is everybody's right.
        hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
        resource.setrlimit(resource.RLIMIT_CORE, (limit if limit != resource.RLIM_INFINITY else hard, hard))
        what(write)
        os._exit(0)
    os.close(write)
    told = os.read(read, 1000)
    os.close(read)
    info = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    code = {os.CLD_KILLED: "killed", os.CLD_DUMPED: "dumped", os.CLD_EXITED: "exited"}[info.si_code]
    status = os.waitpid(pid, 0)[1]
    print(code, info.si_status, os.WCOREDUMP(status), os.WTERMSIG(status), sorted(os.listdir(".")))
    return pid, [int(word) for word in told.split()]


def die(number=signal.SIGABRT):
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def areas(write):
    own = mmap.mmap(-1, 8192, mmap.MAP_PRIVATE)
    own[: len(MARK)] = MARK
    hidden = mmap.mmap(-1, 4096, mmap.MAP_PRIVATE)
    hidden[:4] = b"hide"
    hidden.madvise(mmap.MADV_DONTDUMP)
    shared = mmap.mmap(-1, 4096)
    shared[:4] = b"both"
    with open("/proc/self/exe", "rb") as exe:
        text = mmap.mmap(exe.fileno(), 8192, mmap.MAP_PRIVATE, mmap.PROT_READ)
    addr = lambda area: ctypes.addressof(ctypes.c_char.from_buffer(area))
    whole = ctypes.CDLL(None).mmap
    whole.restype = ctypes.c_void_p
    with open("/proc/self/exe", "rb") as exe:
        later = whole(None, ctypes.c_size_t(4096), 1, 2, exe.fileno(), ctypes.c_long(4096))
    os.write(write, b"%d %d %d %d" % (addr(own), addr(hidden), addr(shared), later))
    die()


def show_areas():
    _, (own, hidden, shared, later) = child(areas)
    data, kind, machine, notes, loads = parse("core")
    print("type", kind, "machine", machine, "mode", oct(os.stat("core").st_mode), "owner", os.stat("core").st_uid == os.getuid())
    print("notes", [NAMES.get(n, n) for n, _ in notes[:5]], {"FPREGSET", "XSTATE"} <= {NAMES.get(n) for n, _ in notes})
    flags, mark = content(data, loads, own, len(MARK))
    print("own", flags, mark)
    print("dontdump", content(data, loads, hidden, 4))
    print("shared", content(data, loads, shared, 4))
    print("file", content(data, loads, later, 4))
    note = dict(reversed(notes))
    print("signal", struct.unpack_from("<i", note[1])[0], "siginfo", struct.unpack_from("<iii", note[0x53494749])[0])
    print("pids", struct.unpack_from("<i", note[1], 36)[0] == os.getpid(), "name", note[3][40:47])
    print("auxv", note[6] != b"" and len(note[6]) % 16, "files", b"/libc" in note[0x46494C45])
    print("registers", content(data, loads, struct.unpack_from("<Q", note[1], 112 + 19 * 8)[0], 8) is not None)


def threads(write):
    def spin():
        while True:
            pass

    for work in (spin, lambda: time.sleep(100)):
        threading.Thread(target=work, daemon=True).start()
    time.sleep(0.1)
    os.kill(os.getpid(), signal.SIGSEGV)


def stopped(write):
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    os.write(write, b"1")
    time.sleep(100)


def quit_from_outside():
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
        resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
        stopped(write)
    os.read(read, 1)
    time.sleep(0.05)
    os.kill(pid, signal.SIGQUIT)
    status = os.waitpid(pid, 0)[1]
    notes = parse("core")[3]
    # clock_nanosleep, interrupted.
    print("quit", os.WCOREDUMP(status), os.WTERMSIG(status), struct.unpack_from("<q", dict(reversed(notes))[1], 112 + 15 * 8)[0])


def main():
    print("to begin with", os.listdir("."))
    child(lambda _: die(), 0)
    child(lambda _: die(signal.SIGTERM))
    child(lambda _: (libc.prctl(PR_SET_DUMPABLE, 0), die()))
    open("core", "w").write("another's")
    show_areas()
    child(threads)
    print("threads", sum(1 for n, _ in parse("core")[3] if n == 1))
    os.unlink("core")
    child(lambda _: die(), 4096)
    print("cut short", os.stat("core").st_size <= 4096)
    os.unlink("core")
    quit_from_outside()
    os.unlink("core")
    child(lambda _: (open("/proc/self/coredump_filter", "w").write("0"), die()))
    print("filtered", sum(load[5] for load in parse("core")[4]) <= 65536)
    os.unlink("core")
    os.mkdir("core")
    child(lambda _: die())


main()
