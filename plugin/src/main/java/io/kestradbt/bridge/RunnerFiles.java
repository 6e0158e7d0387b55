package io.kestradbt.bridge;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** Puts what the runner needs into the working directory, from where any task runner takes it along. */
public final class RunnerFiles {
    private static final String FOLDER = ".kestra-dbt";

    /** The runner, relative to the working directory. */
    public static final String RUNNER = FOLDER + "/runner.pyz";

    /** The request, relative to the working directory. */
    public static final String REQUEST = FOLDER + "/request.json";

    private static final String RESOURCE = "/io/kestradbt/runner/runner.pyz";

    private RunnerFiles() {
    }

    /** Write both files, over those of an earlier task in the same working directory. */
    public static void place(Path workingDirectory, Request request) throws IOException {
        Files.createDirectories(workingDirectory.resolve(FOLDER));
        try (InputStream runner = RunnerFiles.class.getResourceAsStream(RESOURCE)) {
            if (runner == null) {
                throw new IllegalStateException("This plugin was built without its Python runner (%s): build the jar with Gradle.".formatted(RESOURCE));
            }
            Files.copy(runner, workingDirectory.resolve(RUNNER), StandardCopyOption.REPLACE_EXISTING);
        }
        Files.writeString(workingDirectory.resolve(REQUEST), Protocol.encode(request));
    }
}
