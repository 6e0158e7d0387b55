package io.kestradbt.task;

import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.format.DateTimeParseException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.property.Property;
import io.kestra.core.runners.RunContext;

/**
 * Renders properties. What is unset or renders to blank text is empty, and a wrong value is told in one sentence that names the
 * property, the value and what is allowed.
 */
public final class Rendering {
    private final RunContext runContext;

    public Rendering(RunContext runContext) {
        this.runContext = runContext;
    }

    /** A text; blank is none. */
    public Optional<String> text(Property<?> property) throws IllegalVariableEvaluationException {
        if (property == null) {
            return Optional.empty();
        }
        return runContext.render(asText(property)).skipCache().as(String.class).filter(text -> !text.isBlank());
    }

    /** A list of texts without its blank entries; a single text is a list of one. */
    public List<String> list(String name, Property<List<String>> property) throws IllegalVariableEvaluationException {
        if (property == null) {
            return List.of();
        }
        try {
            // Not typed as texts: an entry that YAML takes for a number stays one.
            List<?> entries = runContext.render(property).skipCache().asList(String.class);
            return entries.stream().filter(Objects::nonNull).map(Object::toString).filter(entry -> !entry.isBlank()).toList();
        } catch (IllegalVariableEvaluationException notAList) {
            String text = text(property).orElse("");
            if (text.stripLeading().startsWith("[") || text.stripLeading().startsWith("{")) {
                throw invalid(name, text, "a list of texts");
            }
            return text.isBlank() ? List.of() : List.of(text);
        }
    }

    /** A map of anything. */
    public Map<String, Object> map(String name, Property<Map<String, Object>> property) throws IllegalVariableEvaluationException {
        if (property == null) {
            return Map.of();
        }
        try {
            return Objects.requireNonNullElse(runContext.render(property).skipCache().asMap(String.class, Object.class), Map.of());
        } catch (IllegalVariableEvaluationException notAMap) {
            // A rendering that failed fails again here, with Kestra's own words. The value may be secret: it is not shown.
            if (text(property).isEmpty()) {
                return Map.of();
            }
            throw new IllegalArgumentException("`%s` is not a map: expected names with their values.".formatted(name));
        }
    }

    /** A whole number. */
    public Optional<Integer> integer(String name, Property<Integer> property, int min) throws IllegalVariableEvaluationException {
        Optional<String> text = text(property);
        return text.map(String::strip).map(number -> parse(name, number, min));
    }

    /** An id of the dbt platform: a whole number, which may be a long one. */
    public Optional<Long> id(String name, Property<?> property) throws IllegalVariableEvaluationException {
        return text(property).map(String::strip).map(text -> {
            if (!text.matches("[1-9][0-9]{0,17}")) {
                throw invalid(name, text, "an id, which is a number");
            }
            return Long.valueOf(text);
        });
    }

    /** True or false. */
    public Optional<Boolean> bool(String name, Property<Boolean> property) throws IllegalVariableEvaluationException {
        return text(property).map(text -> switch (text.strip().toLowerCase(Locale.ROOT)) {
            case "true" -> true;
            case "false" -> false;
            default -> throw invalid(name, text, "true or false");
        });
    }

    /** One of the constants of an enum, in any case. */
    public <E extends Enum<E>> Optional<E> constant(String name, Property<E> property, Class<E> type) throws IllegalVariableEvaluationException {
        return text(property).map(text -> parse(name, text, type));
    }

    /** Some of the constants of an enum, in any case, as a request has them. */
    public <E extends Enum<E>> List<String> constants(String name, Property<? extends List<?>> property, Class<E> type) throws IllegalVariableEvaluationException {
        return list(name, asTexts(property)).stream().map(text -> word(parse(name, text, type))).toList();
    }

    /** A time span of at least {@code min}. */
    public Optional<Duration> duration(String name, Property<Duration> property, Duration min) throws IllegalVariableEvaluationException {
        return text(property).map(text -> {
            try {
                Duration time = Duration.parse(text.strip());
                if (time.compareTo(min) >= 0) {
                    return time;
                }
            } catch (DateTimeParseException e) {
                // told below
            }
            throw invalid(name, text, min.isZero() ? "a time as PT10S or PT1H30M" : "a time as PT10S or PT1H30M, of at least " + min);
        });
    }

    /** A point in time. */
    public Optional<Instant> time(String name, Property<String> property) throws IllegalVariableEvaluationException {
        return text(property).map(text -> {
            try {
                return OffsetDateTime.parse(text.strip()).toInstant();
            } catch (DateTimeParseException e) {
                throw invalid(name, text, "a time with its zone, as 2026-01-15T10:20:02Z");
            }
        });
    }

    /** A constant as a request has it. */
    public static String word(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT);
    }

    private static <E extends Enum<E>> E parse(String name, String text, Class<E> type) {
        return Arrays.stream(type.getEnumConstants())
            .filter(constant -> constant.name().equalsIgnoreCase(text.strip()))
            .findFirst()
            .orElseThrow(() -> invalid(name, text, "one of " + names(type)));
    }

    private static Integer parse(String name, String text, int min) {
        try {
            int number = Integer.parseInt(text);
            if (number >= min) {
                return number;
            }
        } catch (NumberFormatException e) {
            // told below
        }
        throw invalid(name, text, "a whole number of at least " + min);
    }

    private static <E extends Enum<E>> String names(Class<E> type) {
        return Arrays.stream(type.getEnumConstants()).map(Rendering::word).collect(Collectors.joining(", "));
    }

    private static IllegalArgumentException invalid(String name, String value, String expected) {
        return new IllegalArgumentException("`%s` is \"%s\": expected %s.".formatted(name, value, expected));
    }

    /** Any property is text before it is anything else, and only as text can a wrong value be shown. */
    @SuppressWarnings("unchecked")
    private static Property<String> asText(Property<?> property) {
        return (Property<String>) property;
    }

    @SuppressWarnings("unchecked")
    private static Property<List<String>> asTexts(Property<?> property) {
        return (Property<List<String>>) property;
    }
}
