package io.kestradbt.graph;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.property.Property;
import io.kestra.core.runners.RunContext;
import io.kestradbt.bridge.RunnerFiles;
import io.kestradbt.task.Rendering;

/** Files of the internal storage, streamed into the working directory, from where any task runner takes them along. */
final class PackFile {
    static final String NAME = "pack.zip";

    private static final String FOLDER = "graph";

    /** Where it is brought to, relative to the working directory. */
    static final String PATH = RunnerFiles.relative(FOLDER) + "/" + NAME;

    private PackFile() {
    }

    /** The URI that a task names. */
    static String uri(Rendering rendering, Property<String> pack) throws IllegalVariableEvaluationException {
        return rendering.text(pack).map(String::strip)
            .orElseThrow(() -> new IllegalArgumentException("`pack` is empty: give it `{{ outputs.prepare.pack }}`, of a Prepare task that went well."));
    }

    /** Bring the pack to {@link #PATH}. */
    static void fetch(RunContext runContext, String pack) throws IOException {
        RunnerFiles.emptied(runContext.workingDir().path(), FOLDER);
        try {
            fetch(runContext, URI.create(pack), NAME);
        } catch (FileNotFoundException | IllegalArgumentException e) {
            throw new IllegalArgumentException(
                "`pack` is %s, and there is no such file: give it `{{ outputs.prepare.pack }}`, of a Prepare task of the same execution.\n%s".formatted(pack, e.getMessage())
            );
        }
    }

    /** Bring a file under a name of its own; returns its path, relative to the working directory. */
    static String fetch(RunContext runContext, URI uri, String name) throws IOException {
        String path = RunnerFiles.relative(FOLDER) + "/" + name;
        Path target = runContext.workingDir().path().resolve(path);
        try (InputStream content = runContext.storage().getFile(uri)) {
            Files.copy(content, target, StandardCopyOption.REPLACE_EXISTING);
        }
        return path;
    }
}
