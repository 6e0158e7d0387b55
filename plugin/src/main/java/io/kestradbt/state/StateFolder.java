package io.kestradbt.state;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Optional;

import io.kestra.core.runners.RunContext;
import io.kestra.core.storages.Namespace;
import io.kestra.core.storages.Storage;
import io.kestradbt.bridge.RunnerFiles;

/** A folder of the working directory with artifacts of an earlier run, streamed there from wherever they are kept. */
final class StateFolder {
    static final String MANIFEST = "manifest.json";
    static final String RUN_RESULTS = "run_results.json";

    /** What dbt reads of a state. */
    private static final List<String> ARTIFACTS = List.of(MANIFEST, RUN_RESULTS, "sources.json");

    private final RunContext runContext;
    private final String name;
    private final Path path;

    /** @param name of the folder, which is emptied */
    StateFolder(RunContext runContext, String name) throws IOException {
        this.runContext = runContext;
        this.name = name;
        this.path = RunnerFiles.emptied(runContext.workingDir().path(), name);
    }

    /** Relative to the working directory. */
    String name() {
        return RunnerFiles.relative(name);
    }

    /** Fetch a state that was kept; false if its files are gone. */
    boolean fetch(KeptState state) throws IOException {
        Storage storage = runContext.storage();
        if (!storage.isFileExist(state.manifest())) {
            return false;
        }
        fetch(state.manifest(), MANIFEST);
        if (state.runResults() != null && storage.isFileExist(state.runResults())) {
            fetch(state.runResults(), RUN_RESULTS);
        }
        return true;
    }

    /**
     * Fetch a file, whatever its name, and the other artifacts beside it.
     *
     * @param artifact which artifact it is
     */
    void fetch(URI uri, String artifact) throws IOException {
        Storage storage = runContext.storage();
        copy(uri, artifact);
        for (String other : ARTIFACTS) {
            URI beside = uri.resolve(other);
            if (uri.getPath().endsWith("/" + artifact) && !other.equals(artifact) && storage.isFileExist(beside)) {
                copy(beside, other);
            }
        }
    }

    /** Fetch a namespace file and the artifacts beside it, or the artifacts in a folder. */
    void fetch(StateSource.NamespaceFile source, String artifact) throws IOException {
        Namespace files = source.namespace().map(runContext.storage()::namespace).orElseGet(runContext.storage()::namespace);
        Path given = Path.of(source.path());
        boolean isFile = source.path().endsWith(".json");
        Path folder = isFile ? Optional.ofNullable(given.getParent()).orElse(Path.of("/")) : given;
        for (String each : ARTIFACTS) {
            copy(files, isFile && each.equals(artifact) ? given : folder.resolve(each), each);
        }
        if (Files.notExists(path.resolve(artifact))) {
            throw new FileNotFoundException("nsfile://%s has no %s.".formatted(source.path(), artifact));
        }
    }

    private void copy(URI from, String artifact) throws IOException {
        try (InputStream content = runContext.storage().getFile(from)) {
            Files.copy(content, path.resolve(artifact), StandardCopyOption.REPLACE_EXISTING);
        }
    }

    private void copy(Namespace files, Path from, String artifact) throws IOException {
        if (!files.exists(from)) {
            return;
        }
        try (InputStream content = files.getFileContent(from)) {
            Files.copy(content, path.resolve(artifact), StandardCopyOption.REPLACE_EXISTING);
        }
    }
}
