// The way from the binary to a backup, as an operator types it on Debian: the blocks of run.md and backup.md, in this order, unchanged
// but for the release build (the binary is there) and the service manager (`harness/systemctl` runs the unit's command as its user).
// They run as root on private copies of /etc, /var and /usr/local (mount and network namespaces); the machine is not changed.

import { symlink, mkdir, readdir, readFile, chmod, cp } from "node:fs/promises";

import { ROOT } from "../pages.js";
import { BINARY, harness, inFolder, path, run, write } from "./tools.js";

const BUILD = /^cargo build --release.*\n/m;

/** One step: a file to write where its first line says, or commands. */
function makeStep({ code, language, where }, number) {
  const file = /^# (\/\S+)\n/.exec(code)?.[1];
  const body = language === "sh" ? `set -x\n${code.replace(BUILD, "")}\n{ set +x; } 2>/dev/null` : `cat >"${file}" <<'BLOCK'\n${code}BLOCK`;
  if (language !== "sh" && !file) throw new Error(`${where}: a file without a name`);
  return `echo "-- step ${number}: ${where}"\n${body}\n`;
}

const SPACE = `set -euo pipefail
mount -t tmpfs tmpfs "$SCRATCH/layers"
for folder in etc var usr/local; do
  mkdir -p "$SCRATCH/layers/$folder/upper" "$SCRATCH/layers/$folder/work"
  mount -t overlay overlay -o "lowerdir=/$folder,upperdir=$SCRATCH/layers/$folder/upper,workdir=$SCRATCH/layers/$folder/work" "/$folder"
done
mount -t tmpfs tmpfs /run
cp "$SCRATCH/systemctl" /usr/local/bin/systemctl
cp "$SCRATCH/systemctl" /usr/local/bin/journalctl
python3 - <<'PYTHON'
import fcntl, socket, struct
up = struct.pack("16sh14s", b"lo", 0x49, b"")
fcntl.ioctl(socket.socket(), 0x8914, up)  # SIOCSIFFLAGS: the loopback interface is up
PYTHON
cd "$SCRATCH/clone"
`;

const AFTER = `
systemctl is-active vestibule
if command -v systemd-analyze >/dev/null; then systemd-analyze verify --man=no /etc/systemd/system/vestibule.service; fi
[ "$(stat -c '%U %a' /var/lib/vestibule/vestibule.db)" = "vestibule 600" ]
[ "$(stat -c '%U %a' /etc/vestibule/master.key)" = "vestibule 600" ]
[ -s /var/lib/vestibule/vestibule.db.before-restore ] && [ -s /var/tmp/vestibule-try/vestibule.db ]
echo "PROJECTS: $(runuser -u vestibule -- vestibule project list --config /etc/vestibule/vestibule.toml)"
systemctl stop vestibule
`;

async function whyNot() {
  if (process.getuid() !== 0) return "it needs root, for namespaces and a system user";
  const probe = 'mount -t tmpfs tmpfs /mnt && mkdir /mnt/u /mnt/w && mount -t overlay o -o lowerdir=/etc,upperdir=/mnt/u,workdir=/mnt/w /etc';
  return run("unshare", ["--mount", "--net", "sh", "-c", probe]).then(() => null, () => "this machine lets no process mount an overlay");
}

/** The unit of the guide is that of the package, but for the program's folder. */
async function compareUnits(blocks) {
  const { code } = blocks.find(({ language }) => language === "ini");
  const unit = await readFile(path.join(ROOT, "packaging/vestibule.service"), "utf8");
  if (code.replace(/^# .*\n/, "") !== unit.replaceAll("/usr/bin/", "/usr/local/bin/")) {
    throw new Error("the unit of run.md is not packaging/vestibule.service with /usr/local/bin");
  }
}

async function runOperator(blocks) {
  await compareUnits(blocks);
  const reason = await whyNot();
  if (reason) return reason;
  const order = (page) => blocks.filter((block) => block.page === page);
  const steps = [...order("docs/guides/run.md"), ...order("docs/guides/backup.md")].map(makeStep);
  await inFolder(async (folder) => {
    await chmod(folder, 0o755);
    for (const name of ["layers", "clone"]) await mkdir(path.join(folder, name));
    const release = path.join(folder, "clone/target/release");
    await mkdir(release, { recursive: true });
    await symlink(BINARY, path.join(release, "vestibule"));
    await cp(harness("systemctl"), path.join(folder, "systemctl"));
    const script = await write(folder, "steps.sh", SPACE + steps.join("") + AFTER);
    const flags = ["--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"];
    const { stdout, stderr } = await run("unshare", [...flags, "bash", script], { env: { SCRATCH: folder } });
    if (!/^PROJECTS: .*shop/m.test(stdout)) throw new Error(`the project is not there:\n${stdout}${stderr}`);
    if (!stdout.includes("/portal/welcome/")) throw new Error(`the log has no link for the first operator:\n${stdout}`);
    const left = await readdir(path.join(folder, "layers"));
    if (left.length > 0) throw new Error("what was mounted is still there");
  });
}

export const OPERATOR_CHECKS = { operator: { level: "quick", run: runOperator } };
