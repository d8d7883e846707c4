#!/usr/bin/python3
"""Write silex(8) and silex.conf(5) from what the program says of itself: mkman.py SILEX VERSION DIR

The keys, their defaults, bounds and meanings come from the one table of keys (--print-conf-md), so
the pages cannot differ from the program.
"""

import pathlib
import re
import subprocess
import sys

SECTIONS = """
.SH DESCRIPTION
Silex serves the Ingresses of a Kubernetes cluster, or of a directory of manifests, as ingress-nginx
does, with its class, annotations, ConfigMap keys and flags. The master process follows the objects
and writes routes into shared memory; worker processes serve from there and are never restarted for
a change of routes, endpoints or certificates.
.PP
.B silex show
looks at a running instance: its workers, the figures and hosts of its table, the route of a host and
path, or its settings.
.PP
.B silex explain
.I NAME
tells what an annotation, a key of the ConfigMap or one of
.BR silex.conf (5)
means; without a name, of all of them.
.SH OPTIONS
Every key of
.BR silex.conf (5)
is an option, too:
.BI \\-\\- key =\\fIvalue\\fR.
An option wins over the file.
.TP
.BR \\-c ", " \\-\\-config " " \\fIFILE\\fR
Read this file.
.TP
.BR \\-t ", " \\-\\-test
Check the configuration and exit.
.TP
.BR \\-h ", " \\-\\-help ", " \\-\\-help\\-all ", " \\-\\-version
Say so and exit.
.TP
.BR \\-\\-print\\-conf\\-example ", " \\-\\-print\\-conf\\-md
Print a commented silex.conf, or the table of keys.
.SH SIGNALS
.TP
.BR TERM ", " INT
Stop: fail /healthz for
.IR shutdown\\-grace\\-period ,
drain, exit.
.TP
.B QUIT
The same without the grace period.
.TP
.B HUP
Read silex.conf again and replace the workers one after another; a bad file changes nothing.
.TP
.B USR1
Open the logs anew.
.SH EXIT STATUS
0 after a stop; 1 when the instance cannot start or does not run; 2 for a mistake in options or
configuration that a restart would only repeat.
.SH FILES
.TP
.I /etc/silex/silex.conf
The settings.
.TP
.I /etc/silex/manifests
The directory of manifests, when
.I manifests
names it.
.TP
.I /dev/shm/silex.INSTANCE.*
Route table, counters.
.SH SEE ALSO
.BR silex.conf (5),
.BR systemctl (1)
"""


def roff(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    # Lists of ciphers have no blanks: they may break behind a colon or comma.
    text = re.sub(r"\S{40,}", lambda m: re.sub(r"([:,|])", r"\1\\:", m[0]), text)
    return "\\&" + text if text.startswith((".", "'")) else text


def keys(md):
    """[(section, [(key, default, allowed, when, meaning)])]"""
    found = []
    for line in md.splitlines():
        if line.startswith("**"):
            found.append((line.strip("*"), []))
        m = re.match(r"\| `([^`]+)` \| (.*?) \| (.*?) \| (.*?) \| (.*) \|$", line)
        if m:
            found[-1][1].append(m.groups())
    return found


def page(name, section, version, what, synopsis):
    return (f'.TH {name.upper()} {section} "" "silex {version}" "Silex"\n.ad l\n.SH NAME\n'
            f'{name} \\- {what}\n.SH SYNOPSIS\n{synopsis}\n')


def conf_page(md, version):
    out = [page("silex.conf", 5, version, "settings of the Silex ingress controller",
                ".I /etc/silex/silex.conf"),
           ".SH DESCRIPTION\nLines of the form\n.IR key \" = \" value ;\n"
           "a # begins a comment, a value may stand in quotes. A bad line is refused with file, line "
           "and key, and nothing of the file is used.\nKeys marked restart keep their value until "
           "the process starts again; the others are taken over by SIGHUP.\n"]
    for section, rows in keys(md):
        out.append(f".SH {roff(section).upper()}\n")
        for key, default, allowed, when, meaning in rows:
            out.append(f".TP\n.B {roff(key)}\n{roff(meaning)}.\nDefault: {roff(default) or 'empty'}. "
                       f"Allowed: {roff(allowed)}. Taken over by: {when}.\n")
    out.append(".SH SEE ALSO\n.BR silex (8)\n")
    return "".join(out)


def main(silex, version, directory):
    md = subprocess.run([silex, "--print-conf-md"], check=True, capture_output=True, text=True).stdout
    out = pathlib.Path(directory)
    out.mkdir(parents=True, exist_ok=True)
    (out / "silex.conf.5").write_text(conf_page(md, version))
    (out / "silex.8").write_text(
        page("silex", 8, version, "Kubernetes ingress controller",
             ".B silex\n.RI [ options ]\n.br\n.B silex show\n.RI workers | table | \"route HOST PATH\" | conf")
        + SECTIONS.lstrip("\n"))


if __name__ == "__main__":
    main(*sys.argv[1:])
