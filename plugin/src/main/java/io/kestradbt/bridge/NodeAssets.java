package io.kestradbt.bridge;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import org.slf4j.Logger;

import io.kestra.core.models.assets.Asset;
import io.kestra.core.models.assets.AssetIdentifier;
import io.kestra.core.models.assets.Custom;
import io.kestra.core.runners.AssetEmit;
import io.kestra.core.runners.AssetEmitter;

/**
 * Tells Kestra which tables a node wrote and read, as assets with their lineage. Kestra's Enterprise Edition keeps them, of a task with
 * {@code assets.enableAuto: true}; its open source edition has no place for them, which is no fault of the run.
 */
final class NodeAssets {
    /** Kestra's own type of a table, which other plugins use for the same tables. */
    static final String TABLE = "io.kestra.plugin.ee.assets.Table";

    /** Of an asset's id, as Kestra validates it. */
    private static final int LONGEST_ID = 150;

    private final Callable<AssetEmitter> emitter;
    private final Logger logger;
    private boolean supported = true;

    NodeAssets(Callable<AssetEmitter> emitter, Logger logger) {
        this.emitter = emitter;
        this.logger = logger;
    }

    /** Emit the table that a node wrote, with those that it read. Never fails the run. */
    void emit(Event.Lineage lineage, String adapter) {
        if (!supported) {
            return;
        }
        try {
            List<AssetIdentifier> reads = lineage.reads().stream().map(table -> new AssetIdentifier(null, null, id(table), TABLE)).toList();
            emitter.call().emit(new AssetEmit(reads, List.of(asset(lineage, adapter))));
        } catch (UnsupportedOperationException e) {
            supported = false;
            logger.debug("This edition of Kestra keeps no assets: the lineage of the nodes is not emitted.");
        } catch (Exception e) {
            supported = false;
            logger.warn("The lineage of {} could not be handed to Kestra, so that of later nodes is not tried: {}", lineage.uniqueId(), e.getMessage());
        }
    }

    private static Asset asset(Event.Lineage lineage, String adapter) {
        Event.Relation table = lineage.relation();
        Map<String, Object> metadata = new LinkedHashMap<>();
        metadata.put("system", adapter);
        metadata.put("database", table.database());
        metadata.put("schema", table.schemaName());
        metadata.put("name", table.table());
        metadata.put("dbt_unique_id", lineage.uniqueId());
        metadata.put("dbt_resource_type", lineage.resourceType());
        metadata.values().removeIf(Objects::isNull);
        return Custom.builder().id(id(table)).type(TABLE).displayName(table.table()).metadata(metadata).build();
    }

    /** {@code database.schema.table}, as an id that Kestra takes. */
    static String id(Event.Relation table) {
        String name = Stream.of(table.database(), table.schemaName(), table.table()).filter(Objects::nonNull).collect(Collectors.joining("."));
        String id = name.replaceAll("[^a-zA-Z0-9._:-]", "_").replaceFirst("^[^a-zA-Z0-9]+", "");
        return id.length() > LONGEST_ID ? id.substring(0, LONGEST_ID) : id;
    }
}
