select
    1 as "Größe (cm)",
    'one' as a_column_whose_name_is_long_enough_to_make_the_name_of_its_test_a_long_one
