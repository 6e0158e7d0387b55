package io.kestradbt.engine;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HashSet;
import java.util.Set;

import com.fasterxml.jackson.databind.JsonNode;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import io.kestra.core.models.executions.Execution;
import io.kestra.core.storages.StorageInterface;

/**
 * Copies the files that outputs point to out of the internal storage, to {@code TASK_ID/NAME}. The name is the key in the
 * outputs, with the extension of the stored file where the key has none: {@code nodes} becomes {@code nodes.ion}, and
 * {@code artifacts: {target/manifest.json: …}} stays {@code target/manifest.json}.
 */
final class OutputFiles {
    private static final Logger LOG = LoggerFactory.getLogger(OutputFiles.class);
    private static final int LONGEST_SEGMENT = 200; // file systems take 255 bytes; a dbt id can be longer

    private final StorageInterface storage;
    private final Execution execution;
    private final Path root;
    private final Set<String> written = new HashSet<>();

    OutputFiles(StorageInterface storage, Execution execution, Path root) {
        this.storage = storage;
        this.execution = execution;
        this.root = root;
    }

    void write(String taskId, JsonNode outputs) throws IOException {
        write(root.resolve(below(taskId.replace('/', '_'))), "", outputs);
    }

    private void write(Path folder, String key, JsonNode value) throws IOException {
        if (value.isTextual() && value.asText().startsWith("kestra:///")) {
            copy(URI.create(value.asText()), folder, key);
        }
        for (var field : value.properties()) {
            write(folder, field.getKey(), field.getValue());
        }
        if (value.isArray()) {
            for (int i = 0; i < value.size(); i++) {
                write(folder, key + "/" + i, value.get(i));
            }
        }
    }

    private void copy(URI uri, Path folder, String key) throws IOException {
        if (!written.add(folder + " " + uri)) {
            return;
        }
        var target = free(folder, below(key), extension(uri.getPath()));
        Files.createDirectories(target.getParent());
        try (var content = storage.get(execution.getTenantId(), execution.getNamespace(), uri)) {
            Files.copy(content, target, StandardCopyOption.REPLACE_EXISTING);
        } catch (FileNotFoundException e) {
            LOG.warn("Output {} points to {}, which does not exist.", key, uri);
        }
    }

    /** Several task runs of one task (retries, loops) have the same keys: name.ion, name-2.ion, ... */
    private static Path free(Path folder, Path name, String extension) {
        var file = name.getFileName().toString();
        if (file.contains(".")) {
            extension = extension(file);
            file = file.substring(0, file.length() - extension.length());
        }
        var target = folder.resolve(name).resolveSibling(file + extension);
        for (int n = 2; Files.exists(target); n++) {
            target = target.resolveSibling(file + "-" + n + extension);
        }
        return target;
    }

    /** A relative path that stays below its folder, whatever a task chose as its keys. */
    private static Path below(String name) {
        Path path = Path.of("");
        for (String segment : name.split("[/\\\\]+")) {
            boolean harmless = !segment.isBlank() && !segment.equals(".") && !segment.equals("..");
            path = path.resolve(harmless ? segment.substring(0, Math.min(segment.length(), LONGEST_SEGMENT)) : "_");
        }
        return path;
    }

    private static String extension(String name) {
        int dot = name.lastIndexOf('.');
        return dot > name.lastIndexOf('/') ? name.substring(dot) : "";
    }
}
