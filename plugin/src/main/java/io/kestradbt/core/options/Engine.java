package io.kestradbt.core.options;

/** Which dbt runs, and how. */
public enum Engine {
    /** What is there: a dbt that Python can import, else the command on PATH. */
    AUTO,
    /** dbt Core, imported. */
    CORE,
    /** dbt Fusion, or any dbt, run by its command. */
    FUSION
}
