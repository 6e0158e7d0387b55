"""Lay out a working Gradle 8.7 from what Maven Central carries: lay_out.py TARGET.

Maven Central has no Gradle distribution, but it has `gradle-api`: nearly all of Gradle's classes in one jar, as they
are offered to authors of plugins. A distribution is the same classes in many jars (modules), and Gradle finds its parts
by the names of these jars. So: the one jar, and around it empty jars with the right names that point to it, plus the
two classes that it lacks. 8.7 is the newest version for which this works. It is not a stock Gradle: no Kotlin DSL, no
incremental compilation.

Needs mvn and JAVA_HOME, a JDK 17 to 21.
"""

import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

VERSION = "8.7"
API = f"gradle-api-{VERSION}.jar"
HERE = Path(__file__).resolve().parent

# Dependencies of Gradle's own build and of optional features. A project brings its own JUnit; two of them would clash.
UNWANTED = re.compile(
    r"(junit-(jupiter|platform)|testng|opentest4j|picocli|jline|jquery|jcommander|slf4j-api"
    r"|groovy-(servlet|testng|test-junit5|jsr223|jmx|groovysh|cli))"
)

# Classes that are in a distribution and not in gradle-api, by the module they belong to.
LACKING = {
    # By its location Gradle finds its own home.
    "gradle-installation-beacon": (
        "org/gradle/internal/installation/beacon/InstallationBeacon.java",
        "package org.gradle.internal.installation.beacon; public class InstallationBeacon {}",
    ),
    # Runs in javac and would watch it for incremental compilation; this one only passes calls on.
    "gradle-java-compiler-plugin": (
        "org/gradle/internal/compiler/java/IncrementalCompileTask.java",
        """
package org.gradle.internal.compiler.java;

import java.util.Locale;
import java.util.function.*;
import javax.annotation.processing.Processor;
import javax.tools.JavaCompiler.CompilationTask;

public class IncrementalCompileTask implements CompilationTask {
    private final CompilationTask javac;

    public IncrementalCompileTask(CompilationTask javac, Function<?, ?> a, Consumer<?> b, Consumer<?> c,
        BiConsumer<?, ?> d, BiConsumer<?, ?> e) {
        this.javac = javac;
    }

    @Override public void addModules(Iterable<String> names) { javac.addModules(names); }
    @Override public void setProcessors(Iterable<? extends Processor> processors) { javac.setProcessors(processors); }
    @Override public void setLocale(Locale locale) { javac.setLocale(locale); }
    @Override public Boolean call() { return javac.call(); }
}
""",
    ),
}

NO_INCREMENTAL = """\
// The hook in javac only passes calls on (see lay_out.py), so there is no analysis to compile a part by.
allprojects { tasks.withType(JavaCompile).configureEach { options.incremental = false } }
"""

# The packages of the JDK that a stock launcher opens too, for Gradle's own reflection.
OPENED = "util lang lang.invoke nio.charset net util.concurrent.atomic"

OPTIONS = " ".join(f"--add-opens=java.base/java.{name}=ALL-UNNAMED" for name in OPENED.split())

LAUNCHER = f"""\
#!/bin/sh
lib=$(cd "$(dirname "$0")/../lib" && pwd)
exec "$JAVA_HOME/bin/java" {OPTIONS} \\
  --add-opens=java.prefs/java.util.prefs=ALL-UNNAMED -Xmx1g -Dorg.gradle.daemon=false -Dorg.gradle.appname=gradle \\
  -Dorg.gradle.internal.instrumentation.agent=false \\
  -classpath "$lib/gradle-launcher-{VERSION}.jar:$lib/gradle-installation-beacon-{VERSION}.jar" \\
  org.gradle.launcher.GradleMain "$@"
"""


def lay_out(home: Path) -> None:
    """Make a Gradle home in an empty folder."""
    lib = home / "lib"
    fetch(lib)
    with zipfile.ZipFile(lib / API) as api:
        write_modules(lib, api)
    for module, (path, source) in LACKING.items():
        write_compiled(lib, module, path, source)
    (lib / "plugins").mkdir()  # Gradle looks into it, and there is nothing to put there
    repair(lib / API)
    write_text(home / "init.d/no-incremental.gradle", NO_INCREMENTAL)
    write_text(home / "bin/gradle", LAUNCHER)
    (home / "bin/gradle").chmod(0o755)


def fetch(lib: Path) -> None:
    copy = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
    maven = subprocess.run(
        ["mvn", "-B", "-f", HERE / "pom.xml", copy, f"-DoutputDirectory={lib}", "-DincludeScope=runtime"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if maven.returncode:
        sys.exit(f"{maven.stdout}\nlay_out.py: Maven could not fetch the parts of Gradle {VERSION}; it says above why.")
    for path in lib.iterdir():
        if UNWANTED.match(path.name) or path.suffix == ".pom":
            path.unlink()


def write_modules(lib: Path, api: zipfile.ZipFile) -> None:
    """Write an empty jar for each module.

    In a distribution a module's jar holds its `-classpath.properties`, which names the modules (projects) and the
    libraries (runtime) it needs; in gradle-api these files lie side by side.
    """
    suffix = "-classpath.properties"
    modules = {
        name.removesuffix(suffix): api.read(name).decode()
        for name in api.namelist()
        if name.endswith(suffix) and "/" not in name
    }
    plugins = set()
    for name in ("gradle-plugins.properties", "gradle-implementation-plugins.properties"):
        plugins.update(values(api.read(name).decode(), "plugins"))

    libraries = sorted(path.name for path in lib.glob("*.jar") if not path.name.startswith("gradle-"))
    runtime = ",".join([API, *libraries])
    for module, properties in modules.items():
        projects = [name for name in values(properties, "projects") if name in modules]
        write_module(lib, module, ",".join(projects), runtime)
    for module in plugins - modules.keys():
        if not module.startswith("gradle-kotlin-dsl"):
            write_module(lib, module, "", runtime)
    write_module(lib, "gradle-instrumentation-agent", "", runtime)

    # Libraries that are in gradle-api under other package names, but are asked for by the names of their jars.
    bare = {without_version(path.name) for path in lib.glob("*.jar")}
    inside = {name for properties in modules.values() for name in values(properties, "runtime")}
    for name in inside | {"asm-9.7.jar", "javax.inject-1.jar"}:
        if without_version(name) not in bare:
            write_jar(lib / name, {})


def write_module(lib: Path, module: str, projects: str, runtime: str) -> None:
    write_jar(
        lib / f"{module}-{VERSION}.jar", {f"{module}-classpath.properties": f"projects={projects}\nruntime={runtime}\n"}
    )


def write_jar(path: Path, entries: dict[str, str]) -> None:
    with zipfile.ZipFile(path, "w") as jar:
        jar.writestr("META-INF/MANIFEST.MF", f"Manifest-Version: 1.0\nClass-Path: {API}\n")
        for name, text in entries.items():
            jar.writestr(name, text)


def write_compiled(lib: Path, module: str, path: str, source: str) -> None:
    with tempfile.TemporaryDirectory() as work, zipfile.ZipFile(lib / f"{module}-{VERSION}.jar", "w") as jar:
        write_text(Path(work, path), source)
        subprocess.run([Path(os.environ["JAVA_HOME"], "bin/javac"), "--release", "9", Path(work, path)], check=True)
        compiled = path.removesuffix(".java") + ".class"
        jar.write(Path(work, compiled), compiled)
        jar.writestr(f"{module}-classpath.properties", "projects=\nruntime=\n")


def repair(api: Path) -> None:
    """Rewrite gradle-api's jar with what a running Gradle needs otherwise than an author of plugins does."""
    rewritten = api.with_suffix(".new")
    with zipfile.ZipFile(api) as old, zipfile.ZipFile(rewritten, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new:
        new.writestr("gradle-kotlin-dsl-versions.properties", "kotlin=1.9.22\n")
        # Gradle's own SFTP file system; a JVM with this jar on its class path fails to load it.
        done = {"META-INF/services/java.nio.file.spi.FileSystemProvider"}
        for name in old.namelist():
            if name in done or name.endswith("/"):
                continue
            done.add(name)
            content = old.read(name)
            if name.startswith("org/gradle/api/internal/tasks/testing/") and name.endswith(".class"):
                content = with_test_frameworks_own_names(content)
            new.writestr(name, content)
    rewritten.replace(api)


def with_test_frameworks_own_names(compiled: bytes) -> bytes:
    """Move the names of test frameworks in a class back to where they come from.

    In gradle-api all libraries have moved to `org.gradle.internal.impldep`, but the classes that run tests must see the
    JUnit of the project. Names are strings in the class's constant pool.
    """
    # Size of each kind of constant (class file format, 4.4), but the string (1), which has its length before it.
    sizes = {3: 4, 4: 4, 5: 8, 6: 8, 7: 2, 8: 2, 9: 4, 10: 4, 11: 4, 12: 4, 15: 3, 16: 2, 17: 4, 18: 4, 19: 2, 20: 2}
    (count,) = struct.unpack_from(">H", compiled, 8)
    out, at, index = [compiled[:10]], 10, 1
    while index < count:
        kind = compiled[at]
        if kind == 1:
            (length,) = struct.unpack_from(">H", compiled, at + 1)
            text = re.sub(
                rb"org([/.])gradle\1internal\1impldep\1(?=(org\1(junit|opentest4j|hamcrest|testng)|junit\1))",
                b"",
                compiled[at + 3 : at + 3 + length],
            )
            out.append(b"\x01" + struct.pack(">H", len(text)) + text)
            at += 3 + length
        else:
            out.append(compiled[at : at + 1 + sizes[kind]])
            at += 1 + sizes[kind]
        index += 2 if kind in (5, 6) else 1  # long and double take two places
    out.append(compiled[at:])
    return b"".join(out)


def values(properties: str, key: str) -> list[str]:
    match = re.search(rf"^{key}=(.*)$", properties, re.MULTILINE)
    return [value for value in match.group(1).strip().split(",") if value] if match else []


def without_version(name: str) -> str:
    return re.sub(r"-\d.*", "", name)


def write_text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def main() -> None:
    target = Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    # Beside the target, so that the last step is one rename: a Gradle is there whole or not at all.
    work = Path(tempfile.mkdtemp(prefix=".gradle-", dir=target.parent))
    try:
        lay_out(work / "home")
        try:
            (work / "home").rename(target)
        except OSError:
            if not (target / "bin/gradle").exists():
                raise
            # Another call was faster; its Gradle is as good.
    finally:
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
