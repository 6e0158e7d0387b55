package io.kestradbt.task;

/** One thing, two spellings. */
public final class Spelling {
    private Spelling() {
    }

    /**
     * The value of a property that has an older spelling.
     *
     * @return null if it is set in neither
     * @throws IllegalArgumentException if it is set in both
     */
    public static <T> T either(String name, T value, String older, T olderValue) {
        if (value != null && olderValue != null) {
            throw new IllegalArgumentException("`%s` is an older spelling of `%s`, and both are set: keep `%s`.".formatted(older, name, name));
        }
        return value != null ? value : olderValue;
    }
}
