import {defineConfig} from "vite";

// What the library imports of its own build; its package has a stub for those who build it elsewhere.
const stub = "@kestra-io/ui-libs/stub-mdc-imports.js";

export default defineConfig({
    base: "./",
    define: {"process.env": {}, __VUE_PROD_DEVTOOLS__: false},
    resolve: {
        alias: [
            {find: "#mdc-imports", replacement: new URL(`node_modules/${stub}`, import.meta.url).pathname},
            {find: "#mdc-configs", replacement: new URL(`node_modules/${stub}`, import.meta.url).pathname},
            {find: /^vue$/, replacement: "vue/dist/vue.esm-bundler.js"},
        ],
    },
    build: {minify: false, reportCompressedSize: false, sourcemap: false, chunkSizeWarningLimit: 100000},
});
