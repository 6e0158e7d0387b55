package io.kestradbt.core;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.exceptions.ResourceExpiredException;
import io.kestra.core.models.property.Property;
import io.kestra.core.runners.RunContext;
import io.kestra.core.serializers.JacksonMapper;
import io.kestra.core.storages.kv.KVStore;
import io.kestra.core.storages.kv.KVValue;
import io.kestra.core.storages.kv.KVValueAndMetadata;
import io.kestradbt.bridge.RunResult;
import io.kestradbt.core.dropin.KvManifest;
import io.kestradbt.task.Rendering;

/**
 * A manifest that a key of a KV store leads to. What is stored is the URI of the file in the internal storage: a KV value is read and
 * written as a whole in memory, and manifests are too large for that.
 */
final class ManifestInKv {
    private static final String STORAGE = "kestra://";

    private final RunContext runContext;
    private final KVStore store;
    private final String namespace;
    private final String key;

    /**
     * @param property name of the property, for errors
     * @throws IllegalArgumentException if the key or the namespace is blank
     */
    ManifestInKv(RunContext runContext, Rendering rendering, String property, KvManifest place) throws IllegalVariableEvaluationException {
        this.runContext = runContext;
        this.namespace = required(rendering, property + ".namespace", place.getNamespace());
        this.key = required(rendering, property + ".key", place.getKey());
        this.store = runContext.namespaceKv(namespace);
    }

    /**
     * Have the key lead to the manifest of this run, if all went well in it.
     *
     * @return the same result, or a failed one if the store would not take it
     */
    RunResult store(RunResult result) {
        URI manifest = result.artifacts().get(DbtOutput.MANIFEST);
        if (manifest == null || !result.allWentWell()) {
            return result;
        }
        try {
            store.put(key, new KVValueAndMetadata(null, manifest.toString()));
        } catch (IOException | RuntimeException e) {
            return result.failedBecause("dbt ended well, but its manifest could not be noted under the key `%s` of the namespace %s: %s".formatted(key, namespace, e.getMessage()));
        }
        runContext.logger().info("The key `{}` of the namespace {} leads to the manifest of this run now.", key, namespace);
        return result;
    }

    /** Write the manifest to this file; if there is none yet, say so and leave the file as it is. */
    void load(Path file) throws IOException {
        Optional<Object> value = value().filter(found -> !found.toString().isBlank());
        if (value.isEmpty()) {
            runContext.logger().warn("There is no manifest yet under the key `{}` of the namespace {}: dbt starts without one.", key, namespace);
            return;
        }
        Files.createDirectories(file.getParent());
        switch (value.get()) {
            case String uri when uri.startsWith(STORAGE) -> copy(URI.create(uri), file);
            case String text -> Files.writeString(file, text);
            // What Kestra's own plugin has stored: the manifest itself.
            case Object manifest -> JacksonMapper.ofJson().writeValue(file.toFile(), manifest);
        }
    }

    private void copy(URI uri, Path file) throws IOException {
        try (InputStream manifest = runContext.storage().getFile(uri)) {
            Files.copy(manifest, file, StandardCopyOption.REPLACE_EXISTING);
        } catch (FileNotFoundException e) {
            runContext.logger().warn("The manifest that the key `{}` of the namespace {} leads to was purged ({}): dbt starts without one.", key, namespace, uri);
        }
    }

    private Optional<Object> value() throws IOException {
        try {
            return store.getValue(key).map(KVValue::value);
        } catch (ResourceExpiredException e) {
            return Optional.empty();
        }
    }

    private static String required(Rendering rendering, String name, Property<String> property) throws IllegalVariableEvaluationException {
        return rendering.text(property).orElseThrow(() -> new IllegalArgumentException("`%s` is empty: name one.".formatted(name)));
    }
}
