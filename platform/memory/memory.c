typedef int rv_placeholder_memory;
