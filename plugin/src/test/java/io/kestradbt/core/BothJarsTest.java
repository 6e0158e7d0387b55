package io.kestradbt.core;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import javax.tools.JavaCompiler;
import javax.tools.ToolProvider;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import io.kestra.core.plugins.DefaultPluginRegistry;

import static org.assertj.core.api.Assertions.assertThat;

/** What Kestra makes of a name that is a task of one plugin and an alias of another: the one that it reads last has it. */
class BothJarsTest {
    private static final String FORMER_BUILD = "io.kestra.plugin.dbt.cli.Build";

    @TempDir
    private Path folder;

    @Test
    void shouldLeaveTheNameToThePluginReadLast() throws Exception {
        Path ours = plugins("ours", Path.of(Build.class.getProtectionDomain().getCodeSource().getLocation().toURI()));
        Path theirs = plugins("theirs", otherPlugin());

        assertThat(taskAfter(theirs, ours)).isEqualTo(Build.class.getName());
        assertThat(taskAfter(ours, theirs)).isEqualTo(FORMER_BUILD);
        assertThat(taskAfter(ours)).isEqualTo(Build.class.getName());
    }

    private static String taskAfter(Path... folders) {
        Registry registry = new Registry();
        List.of(folders).forEach(registry::register);
        assertThat(registry.findClassByIdentifier(Build.class.getName()).getName()).isEqualTo(Build.class.getName());
        return registry.findClassByIdentifier(FORMER_BUILD).getName();
    }

    /** A folder of plugins with one plugin in it. */
    private Path plugins(String name, Path classes) throws Exception {
        Path plugins = Files.createDirectories(folder.resolve(name));
        if (Files.notExists(plugins.resolve("plugin"))) {
            Files.createSymbolicLink(plugins.resolve("plugin"), classes);
        }
        return plugins;
    }

    /** Classes with a task of the same name as that of Kestra's own plugin. */
    private Path otherPlugin() throws Exception {
        Path classes = Files.createDirectories(folder.resolve("other"));
        Path source = Files.writeString(folder.resolve("Build.java"), """
            package io.kestra.plugin.dbt.cli;
            public class Build extends io.kestra.core.models.tasks.Task {}
            """);
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        int code = compiler.run(null, null, null, "-proc:none", "-cp", System.getProperty("java.class.path"), "-d", classes.toString(), source.toString());
        assertThat(code).isZero();
        Path services = Files.createDirectories(classes.resolve("META-INF/services"));
        Files.writeString(services.resolve("io.kestra.core.models.Plugin"), FORMER_BUILD);
        return classes;
    }

    /** A registry of its own: that of the JVM is what the other tests use. */
    private static final class Registry extends DefaultPluginRegistry {
    }
}
