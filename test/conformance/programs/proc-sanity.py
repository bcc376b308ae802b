"""The shape of /proc as programs parse it."""
import os, re, signal, subprocess, sys

def lines(path):
    with open(path, "rb") as f:
        return f.read().decode("latin1").split("\n")

me = os.getpid()
print("self", os.readlink("/proc/self") == str(me), os.readlink("/proc/thread-self").endswith(f"/task/{me}"))
stat = open("/proc/self/stat").read()
fields = stat[stat.rindex(")") + 2:].split()
print("stat", len(fields), stat.split("(")[1].split(")")[0], fields[0], int(fields[1]) == os.getppid(), int(fields[2]) == os.getpgrp())
keys = [l.split(":")[0] for l in lines("/proc/self/status") if l]
for key in "Name Umask State Tgid Ngid Pid PPid TracerPid Uid Gid FDSize Groups VmPeak VmSize VmRSS VmData VmStk Threads SigQ SigPnd ShdPnd SigBlk SigIgn SigCgt CapInh CapPrm CapEff CapBnd CapAmb NoNewPrivs Seccomp Cpus_allowed Mems_allowed voluntary_ctxt_switches".split():
    if key not in keys: print("missing in status:", key)
maps = [l for l in lines("/proc/self/maps") if l]
form = re.compile(r"^[0-9a-f]+-[0-9a-f]+ [r-][w-][x-][sp] [0-9a-f]{8} [0-9a-f]{2,}:[0-9a-f]{2,} \d+ *( .*)?$")
print("maps", all(form.match(l) for l in maps), any(l.endswith("[stack]") for l in maps), any(l.endswith("[heap]") for l in maps), any("libc" in l for l in maps), any(l.endswith("[vdso]") for l in maps))
starts = [int(l.split("-")[0], 16) for l in maps]
print("sorted", starts == sorted(starts), "columns", all(l.index("/") == 73 for l in maps if "/" in l and len(l.split()[0]) >= 25 and len(l.split()[0]) == 25))
smaps = lines("/proc/self/smaps")
print("smaps", sum(1 for l in smaps if l.startswith("Rss:")) == sum(1 for l in smaps if form.match(l)), any(l.startswith("VmFlags:") for l in smaps))
print("cmdline", open("/proc/self/cmdline").read().split("\0")[0].endswith("python3"), os.path.basename(open("/proc/self/cmdline").read().split("\0")[1]))
os.environ["LATER"] = "1"
print("environ", "LATER" in open("/proc/self/environ").read(), "HOME=" in open("/proc/self/environ").read())
print("comm", open("/proc/self/comm").read().strip())
open("/proc/self/comm", "w").write("a-name-longer-than-fifteen")
print("comm", open("/proc/self/comm").read().strip(), open("/proc/self/task/%d/comm" % me).read().strip())
print("cwd", os.readlink("/proc/self/cwd") == os.getcwd(), "root", os.readlink("/proc/self/root"), "exe", os.path.basename(os.readlink("/proc/self/exe")))
r, w = os.pipe()
print("fd", re.sub(r"\d+", "N", os.readlink(f"/proc/self/fd/{r}")), oct(os.lstat(f"/proc/self/fd/{r}").st_mode), oct(os.lstat(f"/proc/self/fd/{w}").st_mode))
print("fdinfo", [l.split(":")[0] for l in lines(f"/proc/self/fdinfo/{r}") if l][:4], re.sub(r"\s+", " ", lines(f"/proc/self/fdinfo/{w}")[1]))
f = open("gone", "w+"); os.unlink("gone")
print("deleted", os.readlink(f"/proc/self/fd/{f.fileno()}").endswith("/gone (deleted)"))
f.write("content"); f.flush()
print("open again", open(f"/proc/self/fd/{f.fileno()}").read())
print("limits", lines("/proc/self/limits")[0].split(), len([l for l in lines("/proc/self/limits") if l]))
print("mountinfo", all(" - " in l for l in lines("/proc/self/mountinfo") if l), any(l.split()[1] == "/" for l in lines("/proc/mounts") if l), any(l.split()[2] == "proc" for l in lines("/proc/mounts") if l))
print("statm", len(open("/proc/self/statm").read().split()), "oom", open("/proc/self/oom_score_adj").read().strip())
print("auxv", len(open("/proc/self/auxv", "rb").read()) % 16, "task", os.listdir("/proc/self/task") == [str(me)])
child = subprocess.Popen(["sleep", "100"])
# Linux names it before it has its arguments.
while not open(f"/proc/{child.pid}/cmdline").read().startswith("sleep"): pass
print("child", open(f"/proc/{child.pid}/cmdline").read().replace("\0", " "), open(f"/proc/{me}/task/{me}/children").read().split() == [str(child.pid)])
os.kill(child.pid, signal.SIGSTOP); os.waitpid(child.pid, os.WUNTRACED)
print("state", [l for l in lines(f"/proc/{child.pid}/status") if l.startswith("State")])
os.kill(child.pid, signal.SIGKILL)
os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
print("zombie", [l for l in lines(f"/proc/{child.pid}/status") if l.startswith("State")], repr(open(f"/proc/{child.pid}/cmdline").read()))
for what in ("exe", "cwd", "root"):
    try: print(what, os.readlink(f"/proc/{child.pid}/{what}"))
    except OSError as e: print(what, e.strerror)
child.wait()
try: os.stat(f"/proc/{child.pid}")
except OSError as e: print("reaped", e.strerror)
print("meminfo", [l.split(":")[0] for l in lines("/proc/meminfo")][:3], all(re.match(r"^\S+: +\d+( kB)?$", l) for l in lines("/proc/meminfo") if l))
cpus = sum(1 for l in lines("/proc/cpuinfo") if l.startswith("processor"))
print("cpuinfo", cpus == os.cpu_count(), "stat", sum(1 for l in lines("/proc/stat") if re.match(r"cpu\d", l)) == cpus, [l.split()[0] for l in lines("/proc/stat") if l and not l.startswith("cpu")])
print("uptime", len(open("/proc/uptime").read().split()), "loadavg", len(open("/proc/loadavg").read().split()), "version", open("/proc/version").read().startswith("Linux version "))
print("filesystems", "nodev\ttmpfs" in open("/proc/filesystems").read(), "sys", int(open("/proc/sys/kernel/pid_max").read()) > 1000, open("/proc/sys/kernel/ostype").read().strip())
for path in ("/proc/self/mem", "/proc/self/nothing", "/proc/999999999", "/proc/self/fd/999"):
    try: os.open(path, os.O_RDWR if path.endswith("mem") else os.O_RDONLY); print(path, "opens")
    except OSError as e: print(path, e.strerror)
for name in ("unlink", "mkdir", "rmdir"):
    try: getattr(os, name)("/proc/self/stat" if name == "unlink" else "/proc/new" if name == "mkdir" else "/proc/self")
    except OSError as e: print(name, e.strerror)
try: open("/proc/self/stat", "w")
except OSError as e: print("write stat", e.strerror)
print("seek", (lambda f: (f.seek(10), len(f.read(5))))(open("/proc/self/stat", "rb")))
print(sorted(os.listdir("/proc/self/ns")), re.sub(r"\d+", "N", os.readlink("/proc/self/ns/pid")))
