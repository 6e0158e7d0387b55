package io.kestradbt.engine;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;

import com.fasterxml.jackson.annotation.JsonIgnore;

import io.kestra.core.models.annotations.Plugin;
import io.kestra.core.models.property.Property;
import io.kestra.core.models.tasks.runners.AbstractLogConsumer;
import io.kestra.core.models.tasks.runners.RemoteRunnerInterface;
import io.kestra.core.models.tasks.runners.ScriptService;
import io.kestra.core.models.tasks.runners.TaskCommands;
import io.kestra.core.models.tasks.runners.TaskException;
import io.kestra.core.models.tasks.runners.TaskRunner;
import io.kestra.core.models.tasks.runners.TaskRunnerDetailResult;
import io.kestra.core.models.tasks.runners.TaskRunnerResult;
import io.kestra.core.runners.RunContext;

/**
 * What a container does to a task, without one: another folder with copies of its files, an environment of nothing but what is passed (and the
 * PATH of an image), and only output files and the output directory come back. No file of the worker is seen later on; a kill is a SIGTERM,
 * as of a pod, and brings no files.
 */
@Plugin
public class Isolated extends TaskRunner<TaskRunnerDetailResult> implements RemoteRunnerInterface {
    private static final long KILL_LIMIT_S = 20;

    @JsonIgnore
    private Path folder;

    @Override
    @JsonIgnore
    public Property<Boolean> getSyncWorkingDirectory() {
        return Property.ofValue(false);
    }

    @Override
    public TaskRunnerResult<TaskRunnerDetailResult> run(RunContext runContext, TaskCommands commands, List<String> filesToDownload) throws Exception {
        Path here = folder();
        for (Path file : commands.relativeWorkingDirectoryFilesPaths()) {
            copy(commands.getWorkingDirectory().resolve(file), here.resolve(file));
        }
        Files.createDirectories(here.resolve(commands.outputDirectoryName()));

        ProcessBuilder builder = new ProcessBuilder(runContext.render(commands.getCommands()).asList(String.class)).directory(here.toFile());
        String path = builder.environment().get("PATH");
        builder.environment().clear();
        builder.environment().put("PATH", path);
        builder.environment().putAll(env(runContext, commands));
        Process process = builder.start();
        onKill(process.toHandle()::destroy); // that of the process itself would close its output
        int exitCode = await(process, commands.getLogConsumer());

        bringBack(here.resolve(commands.outputDirectoryName()), "**", commands.getOutputDirectory());
        for (String pattern : Objects.requireNonNullElse(filesToDownload, List.<String> of())) {
            bringBack(here, pattern, commands.getWorkingDirectory());
        }
        if (exitCode != 0) {
            throw new TaskException(exitCode, commands.getLogConsumer());
        }
        return new TaskRunnerResult<>(exitCode, commands.getLogConsumer());
    }

    @Override
    protected Map<String, Object> runnerAdditionalVars(RunContext runContext, TaskCommands commands) {
        return Map.of(
            ScriptService.VAR_WORKING_DIR, folder().toString(),
            ScriptService.VAR_OUTPUT_DIR, folder().resolve(commands.outputDirectoryName()).toString()
        );
    }

    private Path folder() {
        try {
            folder = folder == null ? Files.createTempDirectory("isolated-").toRealPath() : folder;
            return folder;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static int await(Process process, AbstractLogConsumer log) throws InterruptedException {
        Thread output = Thread.startVirtualThread(() -> read(process.getInputStream(), log, false));
        Thread errors = Thread.startVirtualThread(() -> read(process.getErrorStream(), log, true));
        try {
            int exitCode = process.waitFor();
            output.join();
            errors.join();
            return exitCode;
        } catch (InterruptedException e) {
            process.toHandle().destroy();
            if (!process.waitFor(KILL_LIMIT_S, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
            output.join();
            errors.join();
            throw e;
        }
    }

    private static void read(InputStream stream, AbstractLogConsumer log, boolean errors) {
        try (var lines = new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8))) {
            lines.lines().forEach(line -> log.accept(line, errors));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void bringBack(Path from, String pattern, Path to) throws IOException {
        PathMatcher matcher = FileSystems.getDefault().getPathMatcher("glob:" + pattern);
        List<Path> files;
        try (var walk = Files.walk(from)) {
            files = walk.filter(Files::isRegularFile).map(from::relativize).filter(matcher::matches).toList();
        }
        for (Path file : files) {
            copy(from.resolve(file), to.resolve(file));
        }
    }

    private static void copy(Path from, Path to) throws IOException {
        Files.createDirectories(to.getParent());
        Files.copy(from, to, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.COPY_ATTRIBUTES);
    }
}
