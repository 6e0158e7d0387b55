package io.kestradbt.core.options;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import com.fasterxml.jackson.core.JsonProcessingException;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.runners.RunContext;
import io.kestra.core.serializers.JacksonMapper;

/** The text of a profiles.yml, from a text or a map. */
public final class Profiles {
    private Profiles() {
    }

    /**
     * Render it.
     *
     * @return null if there is none
     */
    public static String text(RunContext runContext, Object profiles) throws IllegalVariableEvaluationException {
        return switch (profiles) {
            case null -> null;
            case String text -> blankToNull(runContext.render(text));
            case Map<?, ?> map -> map.isEmpty() ? null : yaml(rendered(runContext, map));
            default -> throw new IllegalArgumentException("`profiles` is neither the text of a profiles.yml nor a map of profiles.");
        };
    }

    private static String blankToNull(String text) {
        return text == null || text.isBlank() ? null : text;
    }

    /** An expression keeps the type of its value, so that {@code port: "{{ inputs.port }}"} is a number to dbt. */
    private static Object rendered(RunContext runContext, Object value) throws IllegalVariableEvaluationException {
        return switch (value) {
            case null -> null;
            case String text -> runContext.renderTyped(text);
            case Map<?, ?> map -> {
                Map<String, Object> rendered = new LinkedHashMap<>();
                for (Map.Entry<?, ?> entry : map.entrySet()) {
                    rendered.put(runContext.render(String.valueOf(entry.getKey())), rendered(runContext, entry.getValue()));
                }
                yield rendered;
            }
            case List<?> list -> {
                List<Object> rendered = new ArrayList<>();
                for (Object entry : list) {
                    rendered.add(rendered(runContext, entry));
                }
                yield rendered;
            }
            default -> value;
        };
    }

    /** JSON is YAML too. Kestra's own YAML leaves quotes out where it can, and a password of digits must stay a text. */
    private static String yaml(Object profiles) {
        try {
            return JacksonMapper.ofJson().writeValueAsString(profiles);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("`profiles` cannot be written as YAML.");
        }
    }
}
