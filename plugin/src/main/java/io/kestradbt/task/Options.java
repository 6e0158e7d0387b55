package io.kestradbt.task;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.property.Property;

/** Collects options for a request, each under its name with underscores: {@code fullRefresh} is {@code full_refresh}. What is unset or blank is left out. */
public final class Options {
    private final Rendering rendering;
    private final Map<String, Object> values = new LinkedHashMap<>();

    public Options(Rendering rendering) {
        this.rendering = rendering;
    }

    /** The options so far, ready for a request. */
    public Map<String, Object> values() {
        return values;
    }

    public Options text(String name, Property<String> property) throws IllegalVariableEvaluationException {
        rendering.text(property).ifPresent(text -> values.put(flag(name), text));
        return this;
    }

    /** An option whose value is known. */
    public Options always(String name, Object value) {
        values.put(flag(name), value);
        return this;
    }

    public Options map(String name, Property<Map<String, Object>> property) throws IllegalVariableEvaluationException {
        Map<String, Object> map = rendering.map(name, property);
        if (!map.isEmpty()) {
            values.put(flag(name), map);
        }
        return this;
    }

    public Options list(String name, Property<List<String>> property) throws IllegalVariableEvaluationException {
        List<String> entries = rendering.list(name, property);
        if (!entries.isEmpty()) {
            values.put(flag(name), entries);
        }
        return this;
    }

    public Options integer(String name, Property<Integer> property, int min) throws IllegalVariableEvaluationException {
        rendering.integer(name, property, min).ifPresent(number -> values.put(flag(name), number));
        return this;
    }

    public Options bool(String name, Property<Boolean> property) throws IllegalVariableEvaluationException {
        rendering.bool(name, property).ifPresent(bool -> values.put(flag(name), bool));
        return this;
    }

    public <E extends Enum<E>> Options constant(String name, Property<E> property, Class<E> type) throws IllegalVariableEvaluationException {
        rendering.constant(name, property, type).ifPresent(constant -> values.put(flag(name), Rendering.word(constant)));
        return this;
    }

    /** {@code fullRefresh} is {@code full_refresh}. */
    private static String flag(String name) {
        return name.replaceAll("([A-Z])", "_$1").toLowerCase(Locale.ROOT);
    }
}
