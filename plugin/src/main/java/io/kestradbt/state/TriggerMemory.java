package io.kestradbt.state;

import java.io.IOException;
import java.util.Optional;

import com.fasterxml.jackson.databind.ObjectMapper;

import io.kestra.core.runners.RunContext;
import io.kestra.core.serializers.JacksonMapper;
import io.kestra.core.storages.kv.KVStore;

/** What a trigger remembers from one time to the next, on any worker and after any restart: an entry of the namespace's KV store. */
public final class TriggerMemory {
    private static final ObjectMapper JSON = JacksonMapper.ofJson();

    private final String key;
    private final KvEntry entry;

    public TriggerMemory(KVStore kv, String key) {
        this.key = key;
        this.entry = new KvEntry(kv, key);
    }

    /**
     * That of a trigger of the flow's namespace.
     *
     * @param kind what is remembered, as the beginning of the key
     */
    public static TriggerMemory of(RunContext runContext, String kind, String trigger) {
        RunContext.FlowInfo flow = runContext.flowInfo();
        return new TriggerMemory(runContext.namespaceKv(flow.namespace()), "%s.%s.%s".formatted(kind, flow.id(), trigger));
    }

    /** What it is, for people. */
    public String key() {
        return key;
    }

    /**
     * What was written last; empty if nothing was.
     *
     * @throws IllegalArgumentException if somebody else has put another thing there
     */
    public <T> Optional<T> read(Class<T> type) throws IOException, InterruptedException {
        try {
            return entry.value().map(value -> JSON.convertValue(value, type));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("The entry %s of the namespace's KV store was changed by hand and cannot be read: delete it.".formatted(key));
        }
    }

    /** Replace it. */
    public void write(String description, Object value) throws IOException, InterruptedException {
        entry.put(description, JSON.convertValue(value, Object.class));
    }
}
