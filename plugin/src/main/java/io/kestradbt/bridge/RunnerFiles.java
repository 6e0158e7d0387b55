package io.kestradbt.bridge;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.stream.Stream;

/** Puts what the runner needs into the working directory, from where any task runner takes it along. */
public final class RunnerFiles {
    private static final String FOLDER = ".kestra-dbt";

    /** The runner, relative to the working directory. */
    public static final String RUNNER = FOLDER + "/runner.pyz";

    /** The request, relative to the working directory. */
    public static final String REQUEST = FOLDER + "/request.json";

    private static final String STOP = FOLDER + "/request.stop";

    private static final String RESOURCE = "/io/kestradbt/runner/runner.pyz";

    private RunnerFiles() {
    }

    /** Write both files, over those of an earlier task in the same working directory. */
    public static void place(Path workingDirectory, Request request) throws IOException {
        Files.createDirectories(workingDirectory.resolve(FOLDER));
        Files.deleteIfExists(workingDirectory.resolve(STOP));
        try (InputStream runner = RunnerFiles.class.getResourceAsStream(RESOURCE)) {
            if (runner == null) {
                throw new IllegalStateException("This plugin was built without its Python runner (%s): build the jar with Gradle.".formatted(RESOURCE));
            }
            Files.copy(runner, workingDirectory.resolve(RUNNER), StandardCopyOption.REPLACE_EXISTING);
        }
        Files.writeString(workingDirectory.resolve(REQUEST), Protocol.encode(request));
    }

    /** An empty folder for files of a run, without those of an earlier task. */
    public static Path emptied(Path workingDirectory, String name) throws IOException {
        Path folder = workingDirectory.resolve(relative(name));
        if (Files.exists(folder)) {
            try (Stream<Path> files = Files.list(folder)) {
                for (Path file : files.toList()) {
                    Files.delete(file);
                }
            }
        }
        return Files.createDirectories(folder);
    }

    /** Path of such a folder, relative to the working directory. */
    public static String relative(String name) {
        return FOLDER + "/" + name;
    }

    /** Ask the runner to stop: whatever has not ended after the grace is killed by it. */
    static void askToStop(Path workingDirectory, Duration grace) throws IOException {
        Path written = Files.writeString(workingDirectory.resolve(STOP + ".new"), String.valueOf(grace.toMillis() / 1000.0));
        Files.move(written, workingDirectory.resolve(STOP), StandardCopyOption.ATOMIC_MOVE);
    }

    /** Whether the runner has taken up what {@link #askToStop} wrote; one that does not share the working directory never does. */
    static boolean hasSeenStop(Path workingDirectory) {
        return Files.notExists(workingDirectory.resolve(STOP));
    }
}
