package io.kestradbt.bridge;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

import io.kestra.core.models.assets.Asset;
import io.kestra.core.models.assets.AssetIdentifier;
import io.kestra.core.runners.AssetEmit;
import io.kestra.core.runners.AssetEmitter;

import static org.assertj.core.api.Assertions.assertThat;

class NodeAssetsTest {
    private static final Event.Lineage LINEAGE = new Event.Lineage(
        1, "model.shop.orders", "model", new Event.Relation("shop", "main", "orders"), List.of(new Event.Relation(null, "raw", "orders 2026"))
    );

    @Test
    void shouldEmitTheTableWithWhatItReads() {
        Emitted emitted = new Emitted();

        assets(emitted).emit(LINEAGE, "duckdb");

        AssetEmit emit = emitted.emitted().getFirst();
        Asset table = emit.outputs().getFirst();
        assertThat(table.getId()).isEqualTo("shop.main.orders");
        assertThat(table.getType()).isEqualTo(NodeAssets.TABLE);
        assertThat(table.getMetadata()).isEqualTo(
            Map.of(
                "system", "duckdb", "database", "shop", "schema", "main", "name", "orders",
                "dbt_unique_id", "model.shop.orders", "dbt_resource_type", "model"
            )
        );
        assertThat(emit.inputs()).containsExactly(new AssetIdentifier(null, null, "raw.orders_2026", NodeAssets.TABLE));
    }

    @Test
    void shouldTryOnceWhereKestraKeepsNoAssets() {
        Emitted emitted = new Emitted(new UnsupportedOperationException());
        NodeAssets assets = assets(emitted);

        assets.emit(LINEAGE, "duckdb");
        assets.emit(LINEAGE, "duckdb");

        assertThat(emitted.tries).isEqualTo(1);
    }

    @Test
    void shouldNotFailTheRunWithTheQueue() {
        Emitted emitted = new Emitted(new IllegalStateException("queue is down"));

        assets(emitted).emit(LINEAGE, "duckdb");

        assertThat(emitted.tries).isEqualTo(1);
    }

    @Test
    void shouldMakeIdsThatKestraTakes() {
        assertThat(NodeAssets.id(new Event.Relation(null, null, "_tmp grün"))).isEqualTo("tmp_gr_n");
        assertThat(NodeAssets.id(new Event.Relation("d", "s", "t".repeat(300)))).hasSize(150);
    }

    private static NodeAssets assets(Emitted emitted) {
        return new NodeAssets(() -> emitted, LoggerFactory.getLogger(NodeAssetsTest.class));
    }

    /** What an edition of Kestra does that keeps assets, or one that does not. */
    private static final class Emitted implements AssetEmitter {
        private final List<AssetEmit> emitted = new ArrayList<>();
        private final RuntimeException refusal;
        private int tries;

        Emitted() {
            this(null);
        }

        Emitted(RuntimeException refusal) {
            this.refusal = refusal;
        }

        @Override
        public void emit(AssetEmit emit) {
            tries++;
            if (refusal != null) {
                throw refusal;
            }
            emitted.add(emit);
        }

        @Override
        public List<AssetEmit> emitted() {
            return emitted;
        }
    }
}
