package io.kestradbt.state;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;

import io.kestra.core.exceptions.ResourceExpiredException;
import io.kestra.core.storages.kv.KVMetadata;
import io.kestra.core.storages.kv.KVStore;
import io.kestra.core.storages.kv.KVValue;
import io.kestra.core.storages.kv.KVValueAndMetadata;

/** An entry of a namespace's KV store. */
final class KvEntry {
    private static final int READS = 20;
    private static final int WRITES = 5;
    private static final Duration BETWEEN = Duration.ofMillis(250);

    private final KVStore kv;
    private final String key;

    KvEntry(KVStore kv, String key) {
        this.kv = kv;
        this.key = key;
    }

    /**
     * Its value; empty if there is none. One that is being replaced just now cannot be read for a moment: Kestra writes its version first,
     * then its value.
     */
    Optional<Object> value() throws IOException, InterruptedException {
        IOException broken = null;
        for (int read = 0; read < READS; read++) {
            try {
                Optional<Object> value = kv.getValue(key).map(KVValue::value);
                if (value.isPresent() || !kv.exists(key)) {
                    return value;
                }
            } catch (ResourceExpiredException e) {
                return Optional.empty();
            } catch (IOException e) {
                broken = e;
            }
            Thread.sleep(BETWEEN);
        }
        throw broken != null ? broken : new FileNotFoundException("The entry %s of the KV store has no value.".formatted(key));
    }

    /** Replace its value. Of two that do so at once, Kestra's database refuses one, which has taken the same version for the next one. */
    void put(String description, Object value) throws IOException, InterruptedException {
        for (int write = 1;; write++) {
            try {
                kv.put(key, new KVValueAndMetadata(new KVMetadata(description, (Duration) null), value));
                return;
            } catch (RuntimeException e) {
                if (write == WRITES) {
                    throw e;
                }
                Thread.sleep(BETWEEN);
            }
        }
    }
}
