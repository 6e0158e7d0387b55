package io.kestradbt.state;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

import io.kestra.core.models.FetchVersion;
import io.kestra.core.models.QueryFilter;
import io.kestra.core.repositories.ArrayListTotal;
import io.kestra.core.storages.kv.KVEntry;
import io.kestra.core.storages.kv.KVStore;
import io.kestra.core.storages.kv.KVValue;
import io.kestra.core.storages.kv.KVValueAndMetadata;
import io.micronaut.data.model.Pageable;

/** A KV store in memory: the tests of a task have no repository. */
public class FakeKv implements KVStore {
    public final Map<String, Object> values = new ConcurrentHashMap<>();

    @Override
    public String namespace() {
        return "company.team";
    }

    @Override
    public void put(String key, KVValueAndMetadata value, boolean overwrite) {
        KVStore.validateKey(key);
        values.put(key, value.value());
    }

    @Override
    public Optional<KVValue> getValue(String key) {
        return Optional.ofNullable(values.get(key)).map(KVValue::new);
    }

    @Override
    public boolean exists(String key) {
        return values.containsKey(key);
    }

    @Override
    public boolean delete(String key) {
        throw new UnsupportedOperationException();
    }

    @Override
    public Integer purge(List<KVEntry> entries) {
        throw new UnsupportedOperationException();
    }

    @Override
    public ArrayListTotal<KVEntry> list(Pageable pageable, List<QueryFilter> filters, boolean deleted, boolean expired, FetchVersion version) {
        throw new UnsupportedOperationException();
    }

    @Override
    public List<KVEntry> listAll() {
        throw new UnsupportedOperationException();
    }

    @Override
    public Optional<KVEntry> get(String key) {
        throw new UnsupportedOperationException();
    }
}
