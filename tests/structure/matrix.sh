# Every public function is in the matrix of functions, states and threads (tests/support/matrix.h),
# or touches nothing that threads share: no sandbox, call, component or host. A cancellation is for
# sandboxes that are not there yet.
. "$(dirname "$0")/lib.sh"

table=tests/support/matrix.h
elsewhere='
bhd_cancellation_cancel bhd_cancellation_free bhd_cancellation_new
bhd_code_cache_clear bhd_code_cache_list bhd_code_cache_verify
bhd_endpoint_parse bhd_engine_version bhd_error_fini bhd_error_to_text bhd_host_new
bhd_host_options_check bhd_imports_free
bhd_imports_function bhd_imports_new bhd_imports_resource bhd_inspection_fini bhd_is_precompiled bhd_limiter_free
bhd_limiter_limits bhd_limiter_memory_grow_failed bhd_limiter_memory_growing
bhd_limiter_memory_released bhd_limiter_metrics bhd_limiter_new bhd_limiter_reset
bhd_limiter_table_grow_failed bhd_limiter_table_growing bhd_limiter_table_released
bhd_limits_builder_build bhd_limits_builder_max_fuel bhd_limits_builder_max_memory_bytes
bhd_limits_builder_max_table_elements bhd_limits_builder_on_exceed
bhd_limits_builder_timeout_seconds bhd_limits_check bhd_limits_equal bhd_limits_tighten
bhd_manifest_capabilities bhd_manifest_free bhd_manifest_limits bhd_manifest_load bhd_manifest_name
bhd_manifest_parse bhd_manifest_path bhd_manifest_source bhd_manifest_version
bhd_memory_config_check bhd_memory_config_from_json bhd_memory_config_from_toml
bhd_memory_config_to_json bhd_memory_config_to_toml bhd_memory_kind_text
bhd_memory_metrics_to_json bhd_memory_metrics_to_text bhd_on_exceed_text bhd_policy_check bhd_precompiled_check_file
bhd_size_parse bhd_size_to_text bhd_status_name bhd_status_text bhd_type_count bhd_type_find
bhd_type_free bhd_type_get bhd_type_parse bhd_type_part bhd_type_part_name bhd_type_resource
bhd_type_to_text bhd_value_bytes bhd_value_check bhd_value_enum bhd_value_error bhd_value_format
bhd_value_list bhd_value_ok bhd_value_option bhd_value_parse bhd_value_record bhd_value_string
bhd_value_text bhd_value_tuple bhd_value_variant bhd_version'

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
public_functions >"$work/declared"
sed -n 's/^    X(\(bhd_[a-z0-9_]*\), [A-Z_]*).*/\1/p' "$table" | sort >"$work/matrix"
tr -s ' \n' '\n' <<<"$elsewhere" | sed '/^$/d' | sort >"$work/elsewhere"
sort "$work/matrix" "$work/elsewhere" >"$work/known"

[[ -s $work/matrix ]] || breach "$table has no functions"
for name in $(uniq -d "$work/known"); do breach "$name is known twice"; done
for name in $(comm -23 "$work/declared" "$work/known"); do
    breach "$name is neither in $table nor in $0: what becomes of it while a call is under way?"
done
for name in $(comm -13 "$work/declared" "$work/known"); do
    breach "$name is no public function, and $table or $0 has it"
done
verdict "the $(wc -l <"$work/matrix") functions of $table"
